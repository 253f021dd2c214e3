export { findNatsServer } from './find-binary.js';
export { type NatsCluster, type NatsClusterOptions, startNatsCluster } from './nats-cluster.js';
export { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.js';
