import { setTimeout as pause } from 'node:timers/promises';
import { planStreams } from '@terabus/core';
import { toName } from '@terabus/core/transport';
import { provision } from '@terabus/nats';
import { type NatsCluster, type NatsServer, startNatsCluster } from '@terabus/testing';
import type { NatsConnection } from 'nats';
import { Child } from '../run/child.js';
import type { Control } from '../run/control.js';
import { atLeast, count, defineFigure, type Timed, time } from '../run/figure.js';
import { sharedNow } from '../run/stall-meter.js';
import { until } from '../run/until.js';
import { account } from './account.js';
import { numbers, WritersService } from './contracts.js';
import type { RawReaderMethods } from './raw-reader-process.js';
import type { ReaderMethods } from './reader-process.js';
import { ReaderService } from './reader-service.js';
import { connectAdministrator, settledStream } from './settled-reader.js';
import type { WritersMethods, Written } from './writers-process.js';

const NOTICED_MS = 5_000;
const REPLICAS = 3;
const LANES = 2;
const TIMEOUT_MS = 20_000;
const DOWN_MS = 1_000;
const PATIENCE_MS = 90_000;
const BURST = 200;
/** A server that goes sends its clients away sooner than by default, 10 s. */
const DUCK = 'lame_duck_grace_period: "1s"\nlame_duck_duration: "30s"';

const STREAM = numbers.all.definition.template;
type FaultKind = 'kill' | 'pause' | 'lame duck';

interface Size {
  readonly faults: readonly FaultKind[];
  readonly rounds: number;
  readonly everyMs: number;
  /** The share of faults that hit the leader of the stream: to lose another server is easy. */
  readonly leaders: number;
  readonly writers: number;
  readonly perSecond: number;
  /** Whether nats.js alone reads the same stream beside the service. */
  readonly beside: boolean;
  /** Whether the servers come back after all were killed, which takes long. */
  readonly returns: boolean;
}

const MIXED: readonly FaultKind[] = ['kill', 'pause', 'kill', 'pause', 'lame duck', 'kill', 'pause', 'kill'];

/** Three servers with three copies, one of which fails at a time; then all of them at once. */
export const cluster = defineFigure<Size>({
  name: 'cluster',
  promise:
    'a cluster that loses one server at a time loses nothing that it acknowledged, and one that is gone is noticed',
  sizes: {
    small: {
      faults: ['kill'],
      rounds: 1,
      everyMs: 1_000,
      leaders: 1,
      writers: 2,
      perSecond: 500,
      beside: false,
      returns: false,
    },
    short: {
      faults: MIXED,
      rounds: 1,
      everyMs: 5_000,
      leaders: 0.5,
      writers: 4,
      perSecond: 1_000,
      beside: true,
      returns: true,
    },
    long: {
      faults: MIXED,
      rounds: 45,
      everyMs: 5_000,
      leaders: 0.5,
      writers: 4,
      perSecond: 1_000,
      beside: true,
      returns: true,
    },
  },
  async run({ faults, rounds, everyMs, leaders, writers, perSecond, beside, returns }, { random, control, progress }) {
    const cluster = await startNatsCluster({ configuration: DUCK });
    const urls = [...cluster.urls];
    const child = await Child.start<WritersMethods>(new URL('./writers-process.js', import.meta.url));
    const reader = await Child.start<ReaderMethods>(new URL('./reader-process.js', import.meta.url));
    const raw = beside
      ? await Child.start<RawReaderMethods>(new URL('./raw-reader-process.js', import.meta.url))
      : undefined;
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
      await raw?.call('open', { urls, stream: STREAM, replicas: REPLICAS });
      await child.call('open', { urls, writers, lanes: LANES, timeoutMs: TIMEOUT_MS });
      const stalled = control.watch();
      await child.call('begin', perSecond);
      const done: Partial<Record<FaultKind, number>> = {};
      for (let round = 1; round <= rounds; round++) {
        for (const kind of faults) {
          const begunAt = performance.now();
          const leader = random.chance(leaders) ? await leaderOf(admin) : undefined;
          const n = leader ?? random.below(urls.length);
          await child.call('burst', BURST);
          await hurt[kind](cluster.nodes[n] as NatsServer);
          done[kind] = (done[kind] ?? 0) + 1;
          await pause(Math.max(0, everyMs - (performance.now() - begunAt)));
        }
        progress(`${round} rounds: ${JSON.stringify(await child.call('progress'))}`);
      }
      const written = await child.call('finish');
      progress('reads what each server has');
      const last = (await settledStream(admin, STREAM))?.state.last_seq ?? 0;
      const one = await account(urls, STREAM, written, await stalled());
      const nothingMissing = async () => {
        const { handedOut, never } = await reader.call('missing', written);
        return handedOut.length + never.length === 0;
      };
      await until(nothingMissing, PATIENCE_MS);
      const missing = await reader.call('missing', written);
      const besides = raw && (await withheldFrom(raw, written));
      const counters = await reader.call('counters');
      const consumers = await consumerStates(admin);
      const total = written.reduce((sum, each) => sum + each.attempted - each.unknown.length - each.refused.length, 0);

      progress('all killed at once; reads again what each server has');
      await until(async () => (await reader.call('state')).ready, PATIENCE_MS);
      const before = await settledStream(admin, STREAM);
      const noticed = await killAll(cluster, reader, control);
      const end = returns ? await comeBack(cluster, reader, admin, written) : undefined;
      const text = Object.entries(done).map((each) => each.join(' '));
      return {
        did: `${text.join(', ')} of one in three servers: ${one.outcome}, ${one.outOfOrder} in front of an earlier one; ${one.differ ?? 'the copies are alike'}, ${missing.never.length} withheld for it; all three killed${end ? `: ${end.survival}` : ''}`,
        checks: [
          ...one.checks,
          atLeast('acknowledged', total, writers),
          count('handed out and not handled', missing.handedOut.length),
          count('never handed out, though the copies are alike', one.differ === undefined ? missing.never.length : 0),
          count('numbers of the stream never handed out', await reader.call('skipped', last)),
          count('dead letters', counters.deadLettered),
          ...(end
            ? [
                count('streams made anew', Number(end.created !== undefined && end.created !== before?.created)),
                count('told of how it is after all were killed', Number(end.saysSo), 1),
              ]
            : []),
          count('losses of all that were noticed', Number(noticed.ms < 2 * NOTICED_MS), 1),
          time('until the loss of all was noticed', noticed.ms, NOTICED_MS, noticed.controlMs),
        ],
        notes: [
          ...one.notes,
          ...(besides === undefined ? [] : [besides]),
          `not handled: ${missing.handedOut.slice(0, 10)}; withheld: ${missing.never.slice(0, 10)}; the consumers: ${consumers}; counters: ${JSON.stringify(counters)}`,
          ...(end?.notes ?? []),
        ],
      };
    } finally {
      await admin.close();
      await raw?.kill();
      await reader.kill();
      await child.kill();
      await cluster.stop();
    }
  },
});

/** What nats.js alone was never handed out, in words. */
async function withheldFrom(raw: Child<RawReaderMethods>, written: readonly Written[]): Promise<string> {
  await until(async () => (await raw.call('missing', written)).length === 0, PATIENCE_MS);
  const withheld = await raw.call('missing', written);
  const troubles = await raw.call('troubles');
  return `nats.js alone, beside it, was never handed out ${withheld.length}: ${withheld.slice(0, 10)}; it began anew: ${JSON.stringify(troubles)}`;
}

/** How long until the reader knows, at most twice as long as it may take. */
async function killAll(cluster: NatsCluster, reader: Child<ReaderMethods>, control: Control): Promise<Timed> {
  await reader.call('watch');
  const stalled = control.watch();
  const goneAt = sharedNow();
  await Promise.all(cluster.nodes.map((server) => server.kill()));
  await until(async () => (await reader.call('state')).unreadyAt !== undefined, 2 * NOTICED_MS);
  const { unreadyAt = Number.POSITIVE_INFINITY } = await reader.call('state');
  return { ms: Math.min(unreadyAt - goneAt, 2 * NOTICED_MS), controlMs: await stalled() };
}

/** All servers again, with what they have: the reader has to say whether the stream is there. */
async function comeBack(
  cluster: NatsCluster,
  reader: Child<ReaderMethods>,
  admin: NatsConnection,
  written: readonly Written[],
) {
  await Promise.all(cluster.nodes.map((server) => server.restart()));
  const after = await settledStream(admin, STREAM);
  const asItIs = async () => (await reader.call('state')).ready === (after !== undefined);
  const saysSo = await until(asItIs, PATIENCE_MS);
  const found = after && (await account(cluster.urls, STREAM, written, 0));
  const { problems } = await reader.call('state');
  const lost = found?.checks.slice(0, 3).reduce((sum, { measured }) => sum + measured, 0);
  const differ = found?.differ === undefined ? '' : `, ${found.differ}`;
  return {
    created: after?.created,
    saysSo,
    survival: found ? `the stream was there, ${lost} lost${differ}` : 'the stream was gone',
    notes: [...(found?.notes ?? []), ...problems],
  };
}

/** How far the server says that the readers are. */
async function consumerStates(admin: NatsConnection): Promise<string> {
  const jsm = await admin.jetstreamManager({ checkAPI: false, timeout: 5_000 });
  const consumers = await jsm.consumers.list(toName(STREAM)).next();
  return JSON.stringify(
    consumers.map(({ name, delivered, ack_floor, num_pending, num_ack_pending, num_redelivered }) => {
      return { name, delivered, ack_floor, num_pending, num_ack_pending, num_redelivered };
    }),
  );
}

/** Which server leads the stream, from 0. */
async function leaderOf(admin: NatsConnection): Promise<number | undefined> {
  try {
    const jsm = await admin.jetstreamManager({ checkAPI: false, timeout: 1_000 });
    const leader = (await jsm.streams.info(toName(STREAM))).cluster?.leader;
    return leader === undefined ? undefined : Number(leader.replace('node-', '')) - 1;
  } catch {
    return undefined;
  }
}
