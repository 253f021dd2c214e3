import { setTimeout as pause } from 'node:timers/promises';
import { openDeadLetters, planStreams } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { migrate } from '@terabus/sql';
import { startNatsServer } from '@terabus/testing';
import { Child } from '../run/child.js';
import { atLeast, count, defineFigure } from '../run/figure.js';
import type { Random } from '../run/random.js';
import { storedIn, unfinished } from '../run/stored.js';
import { until } from '../run/until.js';
import type { ConsumerMethods } from './consumer-process.js';
import { databaseAt } from './database.js';
import type { DatabaseMethods } from './database-process.js';
import { Duplicates } from './duplicates.js';
import type { PublisherMethods } from './publisher-process.js';
import {
  Booking,
  BookingService,
  booked,
  CONSUMER_POINTS,
  type ConsumerPoint,
  type Doom,
  orders,
  PUBLISHER_POINTS,
  type PublisherPoint,
  TABLES,
} from './service.js';

const ORDER_EVERY_MS = 5;
const INSTANCES = 3;
const PATIENCE_MS = 30_000;
/** Publishers stay so close to the consumers: behind a backlog of minutes no duplicate window knows of what was sent. */
const MOST_BEHIND = 300;
const LOOK_EVERY_MS = 100;

interface Size {
  readonly consumerKills: number;
  readonly publisherKills: number;
  /** Before it ends, a process gets to its point up to so many times. */
  readonly mostTimes: number;
  /** Of the messages that are published again. */
  readonly share: number;
}

/** Whoever is killed, and wherever: what was committed is done once. */
export const effects = defineFigure<Size>({
  name: 'effects',
  promise: 'consumers and publishers that are killed at any point leave each committed message with one effect',
  sizes: {
    small: { consumerKills: CONSUMER_POINTS.length, publisherKills: PUBLISHER_POINTS.length, mostTimes: 5, share: 0.3 },
    short: { consumerKills: 60, publisherKills: 20, mostTimes: 25, share: 0.05 },
    long: { consumerKills: 1_000, publisherKills: 200, mostTimes: 25, share: 0.05 },
  },
  async run({ consumerKills, publisherKills, mostTimes, share }, { random, progress }) {
    await using server = await startNatsServer({ jetstream: true });
    const plan = planStreams([BookingService]);
    await provision(plan, { servers: server.url });
    const database = await Child.start<DatabaseMethods>(new URL('./database-process.js', import.meta.url));
    const port = await database.call('open', TABLES);
    await migrate(databaseAt(port));
    const { url } = server;
    const transport = await connectNats({ servers: url, name: 'witness' });
    const window = orders.definition.durable.duplicateWindowMs;
    const duplicates = new Duplicates(transport, {
      stream: orders.definition.template,
      windowMs: window,
      share,
      random: random.fork('duplicates'),
    });

    let lived = 0;
    const children = new Set<Child<never>>();
    const notes: string[] = [];
    const consumers = new Line<ConsumerPoint>(CONSUMER_POINTS, consumerKills, mostTimes, random.fork('consumers'));
    const publishers = new Line<PublisherPoint>(PUBLISHER_POINTS, publisherKills, mostTimes, random.fork('publishers'));

    const spawn = async <M extends PublisherMethods | ConsumerMethods>(file: string) => {
      const child = await Child.start<M>(new URL(file, import.meta.url));
      children.add(child as Child<never>);
      return child;
    };
    /** Resolves when it has ended as it was told to. */
    const end = async <P extends string>(child: Child<never>, line: Line<P>, { point }: Doom<P>) => {
      await child.ended;
      children.delete(child);
      if (child.process.signalCode === 'SIGKILL') line.died(point);
      else {
        lived += 1;
        notes.push(`one that was to end ${point}: ${child.errors.slice(-500)}`);
      }
    };
    const consume = async (doom: Doom<ConsumerPoint> | undefined) => {
      const child = await spawn<ConsumerMethods>('./consumer-process.js');
      await child.call('start', { url, port, doom }).catch(() => undefined);
      return child;
    };
    let publisher: Child<PublisherMethods> | undefined;
    let publisherCount = 0;
    const publish = async (doom: Doom<PublisherPoint> | undefined) => {
      const child = await spawn<PublisherMethods>('./publisher-process.js');
      publisherCount += 1;
      publisher = child;
      const prefix = `p${publisherCount}`;
      await child.call('start', { url, port, prefix, everyMs: ORDER_EVERY_MS, doom }).catch(() => undefined);
      return child;
    };
    const killConsumers = async () => {
      for (let doom = consumers.next(); doom !== undefined; doom = consumers.next()) {
        await end((await consume(doom)) as Child<never>, consumers, doom);
        progress(`${consumers.kills} of ${consumerKills} consumers killed`);
      }
      // Those that are left have company until the end.
      await consume(undefined);
    };
    const killPublishers = async () => {
      for (let doom = publishers.next(); doom !== undefined; doom = publishers.next()) {
        await end((await publish(doom)) as Child<never>, publishers, doom);
        progress(`${publishers.kills} of ${publisherKills} publishers killed`);
      }
      return publish(undefined);
    };
    let ended = false;
    const brake = async () => {
      while (!ended) {
        const behind = await unfinished(transport, plan).catch(() => 0);
        await publisher?.call('hold', behind > MOST_BEHIND).catch(() => undefined);
        await pause(LOOK_EVERY_MS);
      }
    };
    try {
      void brake();
      const publishing = killPublishers();
      const noDatabase = database.ended.then(() => {
        throw new Error(`the database ended: ${database.errors}`);
      });
      noDatabase.catch(() => undefined);
      await Promise.race([noDatabase, Promise.all([publishing, ...Array.from({ length: INSTANCES }, killConsumers)])]);
      await (await publishing).call('stop');
      await duplicates.stop();
      const left = await leftOf(() => unfinished(transport, plan));
      if (left > 0) notes.push(`nothing finished for ${PATIENCE_MS} ms: ${left} left`);

      const column = async (table: string) =>
        (await database.call('query', `select what from ${table}`)).map(({ what }) => String(what));
      const wanted = new Set(await column('orders'));
      const done = countsOf(await column('effects'), wanted);
      const published = countsOf(await payloadsOf(transport, booked.definition.template), wanted);
      const sent = countsOf(await payloadsOf(transport, orders.definition.template), wanted);
      const { letters } = await openDeadLetters({ transport, contract: Booking }).list();
      for (const { reason, text, tries } of letters) notes.push(`dead-lettered: ${reason} ${text} after ${tries}`);
      for (const what of [...done.missing].slice(0, 5)) notes.push(`missing: ${what}`);
      for (const what of [...done.extra].slice(0, 5)) notes.push(`extra: ${what}`);
      const text = (value: number) => value.toLocaleString('en-US');
      return {
        did:
          `${text(wanted.size)} orders; consumers killed ${consumers.times.join('+')} times, publishers ` +
          `${publishers.times.join('+')}; ${text(duplicates.sent.early + duplicates.sent.late)} sent again, of ` +
          `which ${text(duplicates.stored.early + duplicates.stored.late)} were stored again`,
        checks: [
          count('effects missing', done.missing.length),
          count('effects extra', done.extra.length),
          count('messages of handlers missing', published.missing.length),
          count('messages of handlers extra', published.extra.length),
          count('ghosts', sent.strangers.length),
          count('dead-lettered', letters.length),
          count('consumers killed', consumers.kills, consumerKills),
          count('publishers killed', publishers.kills, publisherKills),
          count('processes that ended otherwise', lived),
          atLeast('orders', wanted.size, consumerKills * 2),
          atLeast('stored twice', duplicates.stored.late, 1),
        ],
        notes: notes.slice(0, 20),
      };
    } finally {
      ended = true;
      await Promise.all([...children].map((child) => child.kill()));
      await database.kill();
      await transport.close();
    }
  },
});

/** Waits until nothing is left, as long as it becomes less. */
async function leftOf(count: () => Promise<number>): Promise<number> {
  let left = await count();
  while (left > 0) {
    const before = left;
    const isLess = async () => {
      left = await count();
      return left < before;
    };
    if (!(await until(isLess, PATIENCE_MS))) break;
  }
  return left;
}

/** Who dies where: each point as often as the others. */
class Line<Point extends string> {
  readonly #dooms: Doom<Point>[];
  readonly #deaths: Map<Point, number>;

  constructor(points: readonly Point[], kills: number, mostTimes: number, random: Random) {
    this.#deaths = new Map(points.map((point) => [point, 0]));
    const all = Array.from({ length: kills }, (_, n) => points[n % points.length] as Point);
    this.#dooms = random.shuffled(all).map((point) => ({ point, times: 1 + random.below(mostTimes) }));
  }

  next(): Doom<Point> | undefined {
    return this.#dooms.pop();
  }

  died(point: Point): void {
    this.#deaths.set(point, (this.#deaths.get(point) ?? 0) + 1);
  }

  /** How often each point was reached, in their order. */
  get times(): readonly number[] {
    return [...this.#deaths.values()];
  }

  get kills(): number {
    return this.times.reduce((sum, each) => sum + each, 0);
  }
}

async function payloadsOf(transport: Transport, stream: string): Promise<string[]> {
  const payloads: string[] = [];
  for await (const { bytes } of storedIn(transport, stream)) payloads.push(Buffer.from(bytes).toString());
  return payloads;
}

/** What is missing of what was wanted, what is there more than once, and what nobody wanted. */
function countsOf(found: readonly string[], wanted: ReadonlySet<string>) {
  const seen = new Set<string>();
  const extra: string[] = [];
  const strangers: string[] = [];
  for (const what of found) {
    if (!wanted.has(what)) strangers.push(what);
    else if (seen.has(what)) extra.push(what);
    seen.add(what);
  }
  return { missing: [...wanted].filter((what) => !seen.has(what)), extra: [...extra, ...strangers], strangers };
}
