import type { NatsServer } from '@terabus/testing';
import { startNatsServer } from '@terabus/testing';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure, memory, type Soak } from '../run/figure.js';
import { until } from '../run/until.js';
import { Wire } from '../run/wire.js';
import type { MemoryMethods } from './memory-process.js';
import { flood, MESSAGE_BYTES } from './service.js';

const FLOOD_BYTES = 64 * 2 ** 20;
const OFFER_BYTES = 32 * 2 ** 20;
const PATIENCE_MS = 30_000;
/** Longer than it takes to find out that the server hangs. */
const HANG_MS = 6_000;

interface Size {
  readonly flood: number;
  readonly offered: number;
  readonly hangMs: number;
}

/** Whoever is too slow, and whoever offers too much, does not make processes grow. */
export const memoryBounds = defineFigure<Size>({
  name: 'memory',
  promise: 'neither a flood into a slow handler nor publishing to a server that hangs makes a process grow',
  sizes: {
    small: { flood: 5_000, offered: 3_000, hangMs: 0 },
    short: { flood: 400_000, offered: 204_800, hangMs: HANG_MS },
    long: { flood: 4_000_000, offered: 2_048_000, hangMs: HANG_MS * 5 },
  },
  async run(size, soak) {
    await using server = await startNatsServer();
    const flooded = await underFlood(size, soak, server);
    const offered = await toStoppedServer(size, soak, server);
    const text = (value: number) => value.toLocaleString('en-US');
    const outcome = Object.entries(offered.outcome).map(([how, number]) => `${how} ${text(number)}`);
    return {
      did:
        `${text(size.flood)} × 1 KiB into a handler of 10 ms, of which ${text(flooded.arrived - flooded.dropped)} were ` +
        `taken in and ${text(flooded.dropped)} dropped; ${text(size.offered)} × 1 KiB offered to a stopped server ` +
        `(${outcome.join(', ')})`,
      checks: [
        count('messages of the flood accounted for', flooded.arrived, size.flood),
        memory('growth under the flood', flooded.growth, FLOOD_BYTES),
        count(
          'offers accounted for',
          Object.values(offered.outcome).reduce((sum, each) => sum + each, 0),
          size.offered,
        ),
        atLeast(
          'offers that could not be taken',
          size.offered - (offered.outcome['taken'] ?? 0),
          size.hangMs > 0 ? 1 : 0,
        ),
        memory('growth while the server hung', offered.growth, OFFER_BYTES),
      ],
    };
  },
});

const start = () =>
  Child.start<MemoryMethods>(new URL('./memory-process.js', import.meta.url), { nodeOptions: ['--expose-gc'] });

async function underFlood(size: Size, { progress }: Soak, server: NatsServer) {
  const child = await start();
  const wire = await Wire.connect(server.port);
  try {
    await child.call('listen', server.url);
    await child.call('begin');
    const before = await child.call('arrived');
    const payload = Buffer.alloc(MESSAGE_BYTES, 'x');
    for (let sent = 1; sent <= size.flood; sent++) {
      wire.publish(flood.name, payload);
      if (sent % 100 === 0) await wire.drained();
      if (sent % 100_000 === 0) progress(`${sent} of the flood`);
    }
    await wire.flush();
    await until(async () => (await child.call('arrived')) - before >= size.flood, PATIENCE_MS);
    const { dropped } = await child.call('counters');
    return { arrived: (await child.call('arrived')) - before, growth: await child.call('growth'), dropped };
  } finally {
    wire.close();
    await child.kill();
  }
}

async function toStoppedServer(size: Size, { progress }: Soak, server: NatsServer) {
  const child = await start();
  try {
    await child.call('connect', server.url);
    await child.call('begin');
    await server.pause();
    const resumed = size.hangMs === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, size.hangMs));
    const offering = child.call('offer', size.offered);
    progress(`${size.offered} offered to a server that hangs`);
    await resumed;
    server.resume();
    const outcome = await offering;
    return { outcome, growth: await child.call('growth') };
  } finally {
    await child.kill();
  }
}
