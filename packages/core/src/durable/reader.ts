import { BusError } from '@terabus/messages';
import type { BacklogHealth } from '../health/health.js';
import type { Verdict } from '../sequencing/verdict.js';
import type { Timer } from '../transport/clock.js';
import type { KeyValue } from '../transport/key-value.js';
import type { Consuming, StreamDelivery } from '../transport/streams.js';
import type { GroupParts } from './group-parts.js';
import { DURABLE_HEADER, numberIn } from './headers.js';
import { arrivedLetter, wholeOf } from './incoming.js';
import { Known } from './known.js';
import { consumerOf, retriesOf, streamOf } from './names.js';
import { Order } from './order.js';
import { formatOrigin } from './origin.js';
import { dueInMs } from './retry-delay.js';
import { type Suspect, UNFINISHED } from './suspects.js';
import { Taken } from './taken.js';
import { Turns } from './turns.js';
import { Unsettled } from './unsettled.js';

/** Two and a half seconds of a handler of 10 ms: enough to be busy over the round trip of a refill. */
const DEFAULT_MAX_UNSETTLED = 256;
const DEFAULT_MAX_UNSETTLED_BYTES = 16 * 2 ** 20;
const DEFAULT_ACK_WAIT_MS = 10_000;
const DEFAULT_MAX_ACK_PENDING = 1_000;

const TRY_AGAIN_MS = 1_000;
const ASK_EVERY_MS = 1_000;

/**
 * Reads what is stored for a delivery group, and what it has to try again, as fast as it is handled: never more than
 * may be unsettled.
 */
export class Reader {
  readonly parts: GroupParts;
  readonly #marks: () => KeyValue;
  readonly #ackWaitMs: number;
  readonly #unsettled = new Unsettled();
  /** What was settled last. A lost link loses acknowledgements: what comes again then must not run again. */
  readonly #known = new Known();
  readonly #knownRetries = new Known();
  readonly #waiters = new Set<() => void>();
  readonly #watchers = new Set<() => void>();
  readonly #order: Order | undefined;
  readonly #turns = new Turns();
  /** What came while the intake ended. Given back at once, it would come again, and again. */
  readonly #late: StreamDelivery[] = [];
  /** Those that wait until they may run alone. */
  readonly #suspected = new Map<Suspect, Taken>();
  #consuming: Consuming[] = [];
  #working: Timer | undefined;
  #again: Timer | undefined;
  #unwatch = () => {};
  /** Of the stream itself: what is to be tried again has no order. */
  #ofStream = 0;
  #settledOfStream = 0;
  #backlog: number | undefined;
  /** When the server was asked for it last, on `clock.elapsed()`. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #reading = false;
  #problem: BusError | undefined;

  constructor(parts: GroupParts, marks: () => KeyValue) {
    this.parts = parts;
    this.#marks = marks;
    this.#ackWaitMs = parts.options.ackWaitMs ?? DEFAULT_ACK_WAIT_MS;
    if (parts.options.order !== 'per-key') return;
    const [stream, consumer] = this.place;
    this.#order = new Order(parts, {
      stream,
      consumer,
      ackWaitMs: this.#ackWaitMs,
      count: () => ({ unsettled: this.#ofStream, settled: this.#settledOfStream }),
      take: (delivery) => this.#take(delivery, false),
    });
  }

  /** Where it reads. */
  get place(): readonly [stream: string, consumer: string] {
    const { address, pattern, definition } = this.parts;
    return [streamOf(definition), consumerOf(address, pattern)];
  }

  /** How many deliveries it answers for. */
  get unsettled(): number {
    return this.#unsettled.size;
  }

  get problem(): BusError | undefined {
    return this.#problem;
  }

  get health(): BacklogHealth {
    this.#askForBacklog();
    return { unsettled: this.#unsettled.size, backlog: this.#reading ? this.#backlog : undefined };
  }

  /** Begins to read. Rejects when a consumer can't be read from; it is tried again all the same, until {@link end}. */
  async begin(): Promise<void> {
    if (!this.#reading) this.#watchLink();
    this.#reading = true;
    try {
      await this.#begin();
      this.#problem = undefined;
    } catch (error) {
      await this.#stop();
      if (!this.#reading) throw error;
      this.#problem = BusError.from(error);
      this.#again = this.parts.clock.setTimer(TRY_AGAIN_MS, () => {
        if (this.#reading) this.begin().catch(() => undefined);
      });
      throw error;
    }
  }

  /** Takes nothing more. Resolves when that is so. */
  async end(): Promise<void> {
    this.#reading = false;
    this.#problem = undefined;
    this.#again?.cancel();
    this.#unwatch();
    await this.#stop();
    for (const delivery of this.#late.splice(0)) delivery.later(0);
    this.#order?.end();
  }

  /** What has not begun is handed out again, to whoever reads then. What runs goes on. */
  giveBack(): void {
    this.parts.router.queue.giveBack();
    for (const [suspect, taken] of this.#suspected) {
      if (this.parts.suspects.withdraw(suspect)) taken.giveBackWhole();
    }
    this.#suspected.clear();
    for (const taken of this.#turns.withdraw()) taken.giveBackWhole();
    for (const taken of [...this.#unsettled]) taken.giveBackWaiting();
  }

  /** Resolves when nothing is unsettled any more. */
  settled(): Promise<void> {
    if (this.#unsettled.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  /** Calls back whenever something was settled, until the returned function is called. */
  onSettled(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async #begin(): Promise<void> {
    const { transport, options, address } = this.parts;
    const [stream, consumer] = this.place;
    const ordered = this.#order !== undefined;
    const limits = {
      maxUnsettled:
        options.maxUnsettled ?? (ordered ? (options.maxAckPending ?? DEFAULT_MAX_ACK_PENDING) : DEFAULT_MAX_UNSETTLED),
      // Where order counts, all that was handed out has to fit in.
      maxUnsettledBytes: options.maxUnsettledBytes ?? (ordered ? Number.MAX_SAFE_INTEGER : DEFAULT_MAX_UNSETTLED_BYTES),
    };
    const consume = async (from: string, deliver: (delivery: StreamDelivery) => void) => {
      const consuming = await transport.streams.consume({ stream: from, consumer, ...limits }, deliver);
      if (this.#reading) this.#consuming.push(consuming);
      else await consuming.stop();
    };
    this.#order?.hold();
    await consume(stream, (delivery) => this.#take(delivery, false));
    await this.#order?.look();
    await consume(retriesOf(address), (delivery) => this.#take(delivery, true));
  }

  /** What was on its way when the link was lost comes again later than what is newer. */
  #watchLink(): void {
    const order = this.#order;
    if (order === undefined) return;
    this.#unwatch = this.parts.transport.watch(({ kind }) => {
      if (kind === 'disconnected') order.hold();
      else if (kind === 'reconnected') void order.look();
    });
  }

  async #stop(): Promise<void> {
    const consuming = this.#consuming;
    this.#consuming = [];
    await Promise.all(consuming.map((each) => each.stop().catch(() => undefined)));
  }

  #take(delivery: StreamDelivery, isRetry: boolean): void {
    const key = `${isRetry ? 'r' : 's'}${delivery.sequence} ${delivery.storedAt}`;
    const there = this.#unsettled.get(key);
    if (there !== undefined) {
      there.renew(delivery);
      return;
    }
    if (this.#knownOf(isRetry).has(delivery)) {
      delivery.ack();
      return;
    }
    // Whoever put it back once has waited: the clocks of two machines need not agree.
    const dueMs = isRetry && delivery.deliveries === 1 ? this.#dueInMs(delivery) : 0;
    if (dueMs > 0) {
      delivery.later(dueMs);
      return;
    }
    if (!this.#reading) {
      this.#late.push(delivery);
      return;
    }
    // What is here already is none that order waits for: it would be counted twice.
    if (!isRetry && this.#order?.keeps(delivery)) return;
    this.#open(key, delivery, isRetry);
  }

  #open(key: string, delivery: StreamDelivery, isRetry: boolean): void {
    let taken: Taken;
    let bad: BusError | undefined;
    const settled = (how: 'acked' | 'given-back') => this.#settle(key, delivery, how, isRetry);
    try {
      const { letter, tries, firstFailed } = arrivedLetter(delivery, isRetry);
      // A number is judged when it comes first; in another process nothing is known of it.
      const verdict = isRetry || delivery.deliveries === 1 ? undefined : UNSEEN;
      taken = new Taken(this.parts, { letter, tries, firstFailed, verdict }, delivery, settled);
    } catch (error) {
      bad = BusError.from(error);
      const state = { letter: wholeOf(delivery), tries: 0, firstFailed: undefined, verdict: undefined };
      taken = new Taken(this.parts, state, delivery, settled);
    }
    this.#unsettled.add(key, taken);
    if (!isRetry) this.#ofStream += 1;
    this.#prolong();
    const isSuspect = bad === undefined && delivery.deliveries - (isRetry ? 2 : 1) >= UNFINISHED;
    const begin = () => {
      if (bad !== undefined) taken.deadLetter(bad);
      else if (isSuspect) this.#suspect(taken);
      else taken.open();
    };
    if (this.#order === undefined || isRetry) begin();
    else this.#turns.add({ taken, begin, first: isSuspect });
  }

  #suspect(taken: Taken): void {
    const { suspects, reporter, address, pattern } = this.parts;
    const { origin, storedAt } = taken.letter;
    const suspect: Suspect = {
      name: `${consumerOf(address, pattern)} ${formatOrigin(origin)}@${Math.trunc(storedAt)}`,
      marks: this.#marks(),
      reporter,
      run: () => {
        this.#suspected.delete(suspect);
        taken.alone = true;
        taken.open();
        return taken.ran;
      },
      giveUp: (error) => {
        this.#suspected.delete(suspect);
        taken.deadLetter(error);
      },
    };
    this.#suspected.set(suspect, taken);
    suspects.add(suspect);
  }

  #settle(key: string, delivery: StreamDelivery, how: 'acked' | 'given-back', isRetry: boolean): void {
    this.#unsettled.delete(key);
    if (!isRetry) {
      this.#ofStream -= 1;
      this.#settledOfStream += 1;
    }
    if (how === 'acked') this.#knownOf(isRetry).add(delivery);
    for (const watch of this.#watchers) watch();
    if (this.#unsettled.size > 0) return;
    this.#working?.cancel();
    this.#working = undefined;
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }

  #knownOf(isRetry: boolean): Known {
    return isRetry ? this.#knownRetries : this.#known;
  }

  /** As long as anything is unsettled: what waits for its turn is worked on too. */
  #prolong(): void {
    this.#working ??= this.parts.clock.setTimer(this.#ackWaitMs / 3, () => {
      this.#working = undefined;
      for (const taken of this.#unsettled) taken.delivery.working();
      if (this.#unsettled.size > 0) this.#prolong();
    });
  }

  #askForBacklog(): void {
    const { clock, transport } = this.parts;
    if (!this.#reading || clock.elapsed() - this.#askedAt < ASK_EVERY_MS) return;
    this.#askedAt = clock.elapsed();
    transport.streams.consumerState(...this.place).then(
      ({ pending }) => {
        this.#backlog = pending;
      },
      () => {
        this.#backlog = undefined;
      },
    );
  }

  #dueInMs({ headers }: StreamDelivery): number {
    try {
      return dueInMs(numberIn(headers, DURABLE_HEADER.due), this.parts.clock.now());
    } catch {
      return 0;
    }
  }
}

const UNSEEN: Verdict = Object.freeze({ kind: 'untracked', missing: 0 });
