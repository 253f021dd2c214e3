// The launcher of nats-servers behind a door of its own: scripts and examples use it without mocha and chai.
export { findNatsServer } from './find-binary.js';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
