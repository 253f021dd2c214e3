// A process that imports what Terabus depends on, connects, and does nothing.
import { serveIdle } from './idle.js';

/** By name: they are dependencies of Terabus, not of this. */
const dependencies = ['@bufbuild/protobuf/wire', 'inversify', 'pino', 'reflect-metadata', 'ulid', 'zod'];

serveIdle(async (url) => {
  for (const dependency of dependencies) await import(dependency);
  const { connect } = await import('nats');
  await connect({ servers: url });
});
