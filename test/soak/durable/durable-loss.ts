import { setTimeout as pause } from 'node:timers/promises';
import { planStreams } from '@terabus/core';
import { provision } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { startProxy } from '@terabus/testing/chaos';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure } from '../run/figure.js';
import { until } from '../run/until.js';
import { account } from './account.js';
import { numbers, WritersService } from './contracts.js';
import type { WritersMethods } from './writers-process.js';

const EVERY_MS = 700;
const PATIENCE_MS = 120_000;
const LANES = 3;
/** So many are on their way when a fault comes, or have just been stored: for so long at most. */
const BURST = 500;
const BURST_MS = 15;
const TIMEOUT_MS = 20_000;

type FaultKind = 'kill' | 'pause' | 'cut' | 'blackhole';

interface Size {
  readonly faults: number;
  readonly kinds: readonly FaultKind[];
  readonly acknowledged: number;
  readonly writers: number;
  readonly perSecond: number;
}

/** What a stream acknowledged is still there after faults of its server and of the line. */
export const durableLoss = defineFigure<Size>({
  name: 'durable-loss',
  promise: 'what a stream acknowledged is there after every crash of its server, once and in its order',
  sizes: {
    small: { faults: 3, kinds: ['kill'], acknowledged: 1_000, writers: 2, perSecond: 1_000 },
    short: { faults: 20, kinds: ['kill'], acknowledged: 50_000, writers: 4, perSecond: 2_700 },
    long: {
      ...{ faults: 300, kinds: ['kill', 'kill', 'pause', 'cut', 'blackhole'] },
      ...{ acknowledged: 1_000_000, writers: 4, perSecond: 2_500 },
    },
  },
  async run({ faults, kinds, acknowledged, writers, perSecond }, { random, control, progress }) {
    const server = await startNatsServer({ jetstream: true });
    const proxy = await startProxy({ target: server.port });
    const child = await Child.start<WritersMethods>(new URL('./writers-process.js', import.meta.url));
    const hurt: Record<FaultKind, () => Promise<void>> = {
      async kill() {
        await server.kill();
        await server.restart();
      },
      async pause() {
        await server.pause();
        await pause(1_000 + random.below(1_000));
        server.resume();
      },
      async cut() {
        proxy.cut({ once: true });
      },
      async blackhole() {
        // Shorter and longer than it takes to find out.
        proxy.blackhole(random.pick(['to-server', 'to-client', 'both']));
        await pause(500 + random.below(5_500));
        proxy.pass();
      },
    };
    try {
      await provision(planStreams([WritersService]), { servers: server.url });
      await child.call('open', { urls: [proxy.url], writers, lanes: LANES, timeoutMs: TIMEOUT_MS });
      const stalled = control.watch();
      await child.call('begin', perSecond);
      const done: Partial<Record<FaultKind, number>> = {};
      for (let fault = 1; fault <= faults; fault++) {
        await pause(EVERY_MS);
        const kind = random.pick(kinds);
        await child.call('burst', BURST);
        await pause(random.below(BURST_MS));
        await hurt[kind]();
        done[kind] = (done[kind] ?? 0) + 1;
        if (fault % 10 === 0) progress(`${fault} faults, ${(await child.call('progress')).acknowledged} acknowledged`);
      }
      await until(async () => (await child.call('progress')).acknowledged >= acknowledged, PATIENCE_MS);
      const written = await child.call('finish');
      const { checks, outcome, outOfOrder, notes } = await account(
        [server.url],
        numbers.all.definition.template,
        written,
        await stalled(),
      );
      const total = written.reduce((sum, each) => sum + each.attempted - each.unknown.length - each.refused.length, 0);
      return {
        did: `${faults} faults (${Object.entries(done)
          .map((each) => each.join(' '))
          .join(', ')}): ${outcome}`,
        checks: [
          ...checks,
          count('stored in front of an earlier one', outOfOrder),
          atLeast('acknowledged', total, acknowledged),
        ],
        notes,
      };
    } finally {
      await child.kill();
      await proxy.stop();
      await server.stop();
    }
  },
});
