export { findNatsServer, type NatsServer, type NatsServerOptions, startNatsServer } from './server/index.js';
