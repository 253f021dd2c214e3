import { setTimeout as pause } from 'node:timers/promises';
import { planStreams } from '@terabus/core';
import { toName } from '@terabus/core/transport';
import { provision } from '@terabus/nats';
import { type NatsServer, startNatsCluster } from '@terabus/testing';
import type { NatsConnection } from 'nats';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure, time } from '../run/figure.js';
import { sharedNow } from '../run/stall-meter.js';
import { until } from '../run/until.js';
import { account } from './account.js';
import { numbers, WritersService } from './contracts.js';
import type { ReaderMethods } from './reader-process.js';
import { ReaderService } from './reader-service.js';
import { connectAdministrator, settledStream } from './settled-reader.js';
import type { WritersMethods } from './writers-process.js';

const NOTICED_MS = 5_000;
const REPLICAS = 3;
const LANES = 2;
const TIMEOUT_MS = 20_000;
const DOWN_MS = 1_000;
const PATIENCE_MS = 90_000;
const BURST = 200;

const STREAM = numbers.all.definition.template;
type FaultKind = 'kill' | 'pause' | 'lame duck';

interface Size {
  readonly faults: readonly FaultKind[];
  readonly rounds: number;
  readonly everyMs: number;
  readonly writers: number;
  readonly perSecond: number;
}

const MIXED: readonly FaultKind[] = ['kill', 'pause', 'kill', 'pause', 'lame duck', 'kill', 'pause', 'kill'];

/** Three servers with three copies, one of which fails at a time; then all of them at once. */
export const cluster = defineFigure<Size>({
  name: 'cluster',
  promise:
    'a cluster that loses one server at a time loses nothing that it acknowledged, and one that is gone is noticed',
  sizes: {
    small: { faults: ['kill'], rounds: 1, everyMs: 1_000, writers: 2, perSecond: 500 },
    short: { faults: MIXED, rounds: 1, everyMs: 5_000, writers: 4, perSecond: 1_000 },
    long: { faults: MIXED, rounds: 45, everyMs: 5_000, writers: 4, perSecond: 1_000 },
  },
  async run({ faults, rounds, everyMs, writers, perSecond }, { random, control, progress }) {
    const cluster = await startNatsCluster();
    const urls = [...cluster.urls];
    const child = await Child.start<WritersMethods>(new URL('./writers-process.js', import.meta.url));
    const reader = await Child.start<ReaderMethods>(new URL('./reader-process.js', import.meta.url));
    const admin = await connectAdministrator(urls);
    const hurt: Record<FaultKind, (server: NatsServer) => Promise<void>> = {
      async kill(server) {
        await server.kill();
        await pause(DOWN_MS);
        await server.restart();
      },
      async pause(server) {
        await server.pause();
        await pause(2 * DOWN_MS);
        server.resume();
      },
      async 'lame duck'(server) {
        await server.lameDuck();
        await Promise.race([server.exited, pause(10 * DOWN_MS)]);
        await server.restart();
      },
    };
    try {
      const plan = planStreams([WritersService, ReaderService], { replicas: REPLICAS });
      await provision(plan, { servers: urls });
      await reader.call('open', { urls, replicas: REPLICAS });
      await child.call('open', { urls, writers, lanes: LANES, timeoutMs: TIMEOUT_MS });
      await child.call('begin', perSecond);
      const done: Partial<Record<FaultKind, number>> = {};
      for (let round = 1; round <= rounds; round++) {
        for (const kind of faults) {
          const begunAt = performance.now();
          const leader = await leaderOf(admin);
          // The leader half of the time: to lose another one is easy.
          const n =
            leader !== undefined && random.chance(rounds === 1 && faults.length === 1 ? 1 : 0.5)
              ? leader
              : random.below(urls.length);
          await child.call('burst', BURST);
          await hurt[kind](cluster.servers[n] as NatsServer);
          done[kind] = (done[kind] ?? 0) + 1;
          await pause(Math.max(0, everyMs - (performance.now() - begunAt)));
        }
        progress(`${round} rounds: ${JSON.stringify(await child.call('progress'))}`);
      }
      await cluster.ready();
      const written = await child.call('finish');
      const one = await account(urls, STREAM, written);
      const prefixes = Object.fromEntries(
        written.map(({ writer, attempted, unknown, refused }) => [
          writer,
          unknown.length + refused.length > 0 ? 0 : attempted,
        ]),
      );
      await until(async () => (await reader.call('handled', { prefixes })).missing === 0, PATIENCE_MS);
      const { missing } = await reader.call('handled', { prefixes });

      progress('all at once');
      const before = await settledStream(admin, STREAM);
      await until(async () => (await reader.call('state')).ready, PATIENCE_MS);
      await reader.call('watch');
      const controlMs = control.watch();
      const goneAt = sharedNow();
      await Promise.all(cluster.servers.map((server) => server.kill()));
      await until(async () => (await reader.call('state')).unreadyAt !== undefined, 2 * NOTICED_MS);
      const { unreadyAt = Number.POSITIVE_INFINITY } = await reader.call('state');
      const noticedMs = Math.min(unreadyAt - goneAt, 2 * NOTICED_MS);
      const stalledMs = await controlMs();
      await Promise.all(cluster.servers.map((server) => server.restart()));
      await cluster.ready();
      const after = await settledStream(admin, STREAM);
      // What is gone has to show, and what is there has to be used.
      const asItIs = async () => (await reader.call('state')).ready === (after !== undefined);
      const saysSo = await until(asItIs, PATIENCE_MS);
      const two = after === undefined ? undefined : await account(urls, STREAM, written);
      const state = await reader.call('state');
      const survival =
        two === undefined
          ? 'the stream was gone'
          : `the stream was there, ${two.checks.slice(0, 3).reduce((sum, { measured }) => sum + measured, 0)} lost`;
      const text = Object.entries(done).map((each) => each.join(' '));
      const total = written.reduce((sum, each) => sum + each.attempted - each.unknown.length - each.refused.length, 0);
      return {
        did: `${text.join(', ')} of one in three servers: ${one.outcome}, ${one.outOfOrder} in front of an earlier one; all three killed: ${survival}`,
        checks: [
          ...one.checks,
          atLeast('acknowledged', total, writers),
          count('acknowledged and not handled', missing),
          count('streams made anew', Number(after !== undefined && after.created !== before?.created)),
          count('told of how it is after all were killed', Number(saysSo), 1),
          time('until the loss of all was noticed', noticedMs, NOTICED_MS, stalledMs),
        ],
        notes: [...one.notes, ...(two?.notes ?? []), ...state.problems],
      };
    } finally {
      await admin.close();
      await reader.kill();
      await child.kill();
      await cluster.stop();
    }
  },
});

/** Which server leads the stream, from 0. */
async function leaderOf(admin: NatsConnection): Promise<number | undefined> {
  try {
    const jsm = await admin.jetstreamManager({ checkAPI: false, timeout: 1_000 });
    const leader = (await jsm.streams.info(toName(STREAM))).cluster?.leader;
    return leader === undefined ? undefined : Number(leader.replace('node', '')) - 1;
  } catch {
    return undefined;
  }
}
