export { terabusAssertions } from './assertions.js';
export { type Bus, type Features, transportConformance } from './conformance/index.js';
export { findNatsServer, type NatsServer, type NatsServerOptions, startNatsServer } from './server/index.js';
