export { findNatsServer } from './find-binary.js';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
