import { setTimeout as pause } from 'node:timers/promises';
import {
  defineService,
  defineTopic,
  type EventContext,
  type Host,
  OnPayload,
  openBus,
  planStreams,
  Service,
  startHost,
  TeraService,
} from '@terabus/core';
import { toName } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import type { JetStreamManager } from 'nats';
import type { Control } from '../run/control.js';
import { atLeast, count, defineFigure, quantile, type Timed, time } from '../run/figure.js';
import { until } from '../run/until.js';
import { connectAdministrator } from './settled-reader.js';

const NOTICED_MS = 5_000;
const PATIENCE_MS = 20_000;
const EVERY_MS = 10;
/** How many messages have to come through between two faults. */
const BETWEEN = 20;
/** Every so many fail at their first try, so that something is being tried again at any time. */
const FAILING = 5;

/** What is done to what a running service reads from. */
const KINDS = ['stream deleted', 'consumer deleted', 'stream changed', 'consumer changed'] as const;
type Kind = (typeof KINDS)[number];

interface Size {
  /** Of each kind. */
  readonly times: number;
}

/** A service, its stream, and somebody who takes it away. */
class Case {
  readonly topic;
  readonly address: string;
  readonly plan;
  readonly service;
  /** How often each was handled to its end. */
  readonly handled = new Map<number, number>();
  readonly #tries = new Map<number, number>();
  /** Those that have to be handled: stored when everything was there. */
  readonly due = new Set<number>();
  published = 0;
  /** What is stored is to be handled: not while the consumer is gone, nor in a stream that will be deleted. */
  #counts = true;

  constructor(readonly kind: Kind) {
    const name = kind.replace(' ', '-');
    const handled = (n: number) => this.#handled(n);
    const topic = defineTopic(`soak.missing.${name}`, { wrapper: 'text', durable: { retryAfterMs: 100 } });
    const contract = defineService(`Soak.Missing.${name}`, {});
    @Service(contract, { uses: [topic] })
    class MissingService extends TeraService {
      @OnPayload(topic)
      onNumber(text: string, _context: EventContext) {
        handled(Number(text));
      }
    }
    this.topic = topic;
    this.address = contract.address;
    this.service = MissingService;
    this.plan = planStreams([MissingService]);
  }

  #handled(n: number): void {
    const tries = (this.#tries.get(n) ?? 0) + 1;
    this.#tries.set(n, tries);
    if (n % FAILING === 0 && tries === 1) throw new Error('not at the first try');
    this.handled.set(n, (this.handled.get(n) ?? 0) + 1);
  }

  stops(): void {
    this.#counts = this.kind.endsWith('changed');
  }

  goesOn(): void {
    this.#counts = true;
  }

  publish(bus: ReturnType<typeof openBus>): void {
    const n = ++this.published;
    const counts = this.#counts;
    bus.publish(this.topic, `${n}`, { timeoutMs: 2_000 }).then(
      () => counts && this.#counts && this.due.add(n),
      () => undefined,
    );
  }

  get missing(): number[] {
    return [...this.due].filter((n) => !this.handled.has(n));
  }

  get twice(): number[] {
    return [...this.handled].filter(([, times]) => times > 1).map(([n]) => n);
  }

  async hurt(jsm: JetStreamManager): Promise<void> {
    const stream = toName(this.topic.name);
    const consumer = toName(`${this.address} ${this.topic.name}`);
    if (this.kind === 'stream deleted') await jsm.streams.delete(stream);
    if (this.kind === 'consumer deleted') await jsm.consumers.delete(stream, consumer);
    if (this.kind === 'stream changed') await jsm.streams.update(stream, { max_age: 3_600e9 });
    if (this.kind === 'consumer changed') await jsm.consumers.update(stream, consumer, { ack_wait: 60e9 });
  }

  /** Whether what was deleted was still gone: nobody but `provision` makes it anew. */
  async mend(jsm: JetStreamManager, servers: string): Promise<boolean> {
    const [stream] = this.plan.streams;
    const name = toName(this.topic.name);
    if (this.kind === 'stream changed') await jsm.streams.update(name, { max_age: (stream?.maxAgeMs ?? 0) * 1e6 });
    if (this.kind === 'consumer changed') {
      const consumer = toName(`${this.address} ${this.topic.name}`);
      await jsm.consumers.update(name, consumer, { ack_wait: (stream?.consumers[0]?.ackWaitMs ?? 0) * 1e6 });
    }
    // Refuses what is not as planned.
    const { made } = await provision(this.plan, { servers });
    return made.length > 0 === this.kind.endsWith('deleted');
  }
}

/** A stream or a consumer that goes, or is changed, under a service that runs. */
export const missing = defineFigure<Size>({
  name: 'missing',
  promise:
    'a service whose stream or consumer is gone or changed is unready within 5 s, and ready when it is provisioned',
  sizes: { small: { times: 1 }, short: { times: 10 }, long: { times: 100 } },
  async run({ times }, { random, control, progress }) {
    const server = await startNatsServer({ jetstream: true });
    const admin = await connectAdministrator([server.url]);
    const jsm = await admin.jetstreamManager();
    const transport = await connectNats({ servers: server.url });
    const bus = openBus({ transport, source: 'service.Soak' });
    const cases = KINDS.map((kind) => new Case(kind));
    const noticed: Timed[] = [];
    const recovered: Timed[] = [];
    const notes: string[] = [];
    let unnoticed = 0;
    let unrecovered = 0;
    let madeAnew = 0;
    const hosts: Host[] = [];

    const rounds = async (one: Case) => {
      await provision(one.plan, { servers: server.url });
      const host = await startHost({
        transport: await connectNats({ servers: server.url }),
        services: [one.service],
        logLevel: 'silent',
      });
      hosts.push(host);
      const publishing = setInterval(() => one.publish(bus), EVERY_MS);
      try {
        for (let round = 1; round <= times; round++) {
          await someMore(one);
          await pause(random.below(100));
          one.stops();
          // A consumer that is made anew begins with what is new then: what lies there has to be handled before.
          await until(() => one.missing.length === 0, PATIENCE_MS);
          await one.hurt(jsm);
          if (!(await timed(() => !host.health().ready, noticed, control))) unnoticed += 1;
          if (!(await one.mend(jsm, server.url))) madeAnew += 1;
          one.goesOn();
          if (!(await timed(() => host.health().ready, recovered, control))) {
            unrecovered += 1;
            notes.push(`${one.kind}: ${JSON.stringify(host.health().problems)}`);
          }
          if (round % 10 === 0) progress(`${one.kind}: ${round} times`);
        }
        await someMore(one);
      } finally {
        clearInterval(publishing);
      }
      await until(() => one.missing.length === 0, PATIENCE_MS);
      const { deadLettered } = host.counters;
      notes.push(
        `${one.kind}: ${one.published} published, ${one.due.size} of them to be handled, missing ${one.missing.slice(0, 5)}, twice ${one.twice.slice(0, 5)}, ${deadLettered} dead letters`,
      );
    };
    try {
      await Promise.all(cases.map(rounds));
      const found = quantile(noticed, 1);
      const back = quantile(recovered, 1);
      const sum = (of: (one: Case) => number) => cases.reduce((total, one) => total + of(one), 0);
      return {
        did: `${KINDS.map((kind) => `${times} × ${kind}`).join(', ')} under ${sum(({ published }) => published)} publishes`,
        checks: [
          count('not noticed', unnoticed),
          count('made anew by somebody else', madeAnew),
          count('not ready again', unrecovered),
          count(
            'stored since and not handled',
            sum((one) => one.missing.length),
          ),
          count(
            'handled twice',
            sum((one) => one.twice.length),
          ),
          count(
            'dead letters',
            hosts.reduce((total, { counters }) => total + counters.deadLettered, 0),
          ),
          atLeast(
            'handled',
            sum(({ due }) => due.size),
            BETWEEN * KINDS.length * times,
          ),
          time('longest until it was unready', found.ms, NOTICED_MS, found.controlMs),
          time('longest until it was ready again', back.ms, NOTICED_MS, back.controlMs),
        ],
        notes,
      };
    } finally {
      await Promise.all(hosts.map((host) => host.stop()));
      await transport.close();
      await admin.close();
      await server.stop();
    }
  },
});

/** Until so many more are handled that had to be. */
async function someMore(one: Case): Promise<void> {
  const before = one.handled.size;
  await until(() => one.handled.size >= before + BETWEEN, PATIENCE_MS);
}

async function timed(isSo: () => boolean, times: Timed[], control: Control): Promise<boolean> {
  const stalled = control.watch();
  const begunAt = performance.now();
  const found = await until(isSo, PATIENCE_MS);
  times.push({ ms: performance.now() - begunAt, controlMs: await stalled() });
  return found;
}
