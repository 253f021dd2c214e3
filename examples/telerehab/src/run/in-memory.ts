import type { Host } from '@terabus/core';
import { MemoryBroker } from '@terabus/core/memory';
import { systemClock } from '@terabus/core/transport';
import { partNames } from './parts.js';
import type { Report } from './sighting.js';
import type { Pace } from './start-part.js';
import { startPart } from './start-part.js';
import type { System } from './system.js';

/** All services in this process: nothing to install, and the same code. */
export async function startInMemory(pace: Pace, report: Report): Promise<System> {
  const broker = new MemoryBroker({ clock: systemClock });
  const hosts: Host[] = [];
  for (const name of partNames) hosts.push(await startPart(name, broker.connect({ name }), pace, report));
  return {
    description: [`${partNames.join(', ')} in one process, in memory`],
    broken: new Promise(() => {}),
    async stop() {
      for (const host of hosts.toReversed()) await host.stop();
      await broker.close();
    },
  };
}
