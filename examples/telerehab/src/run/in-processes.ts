import { randomBytes } from 'node:crypto';
import { startNatsServer } from '@terabus/testing';
import { Part } from './part.js';
import type { PartName } from './parts.js';
import { partNames } from './parts.js';
import type { Report } from './sighting.js';
import type { Pace } from './start-part.js';
import type { System } from './system.js';

/** Each service in a process of its own, on the server that NATS_URL names, or on one that ends with them. */
export async function startInProcesses(pace: Pace, report: Report): Promise<System> {
  const server = process.env['NATS_URL'] ? undefined : await startNatsServer();
  const url = server?.url ?? process.env['NATS_URL'];
  // On a server with other users this run keeps to itself.
  const namespace = process.env['TERABUS_NAMESPACE'] || `telerehab-${randomBytes(4).toString('hex')}`;
  const env = { ...process.env, NATS_URL: url, TERABUS_NAMESPACE: namespace };

  const parts: Part[] = [];
  const start = (name: PartName) => {
    const part = new Part(name, pace, env, report);
    parts.push(part);
    return part.ready;
  };
  let isBroken = false;
  const stop = async () => {
    // Whole, it ends in the reverse order of its start. Broken, each part waits for something that is gone: all at once.
    if (isBroken) await Promise.all(parts.map((part) => part.stop()));
    else for (const part of parts.toReversed()) await part.stop();
    await server?.stop();
  };

  try {
    // The simulator comes last: it begins to play at once.
    await Promise.all(partNames.filter((name) => name !== 'simulator').map(start));
    await start('simulator');
  } catch (error) {
    await stop();
    throw error;
  }
  const broken = Promise.race([
    ...parts.map((part) => part.broken),
    ...(server ? [server.exited.then(() => 'the nats-server ended')] : []),
  ]);
  void broken.then(() => {
    isBroken = true;
  });
  return {
    description: [
      server ? `nats-server pid ${server.pid}` : `the server of NATS_URL, namespace ${namespace}`,
      ...parts.map(({ name, pid }) => `${name} pid ${pid}`),
    ],
    broken,
    stop,
  };
}
