import { BusError } from '@terabus/messages';
import type { BacklogHealth } from '../health/health.js';
import type { Verdict } from '../sequencing/verdict.js';
import { fromSubject } from '../topics/escape.js';
import type { Timer } from '../transport/clock.js';
import type { KeyValue } from '../transport/key-value.js';
import type { Consuming, StreamDelivery } from '../transport/streams.js';
import { Backlog } from './backlog.js';
import type { GroupParts } from './group-parts.js';
import { arrivedRetry, retryDueInMs, wholeOf } from './incoming.js';
import { Known, tellThatCopiesDiffer } from './known.js';
import { consumerOf, retriesOf, streamOf } from './names.js';
import { Order } from './order.js';
import { Suspected } from './suspected.js';
import { UNFINISHED } from './suspects.js';
import { Taken, type TakenState, type Taker } from './taken.js';
import { Turns } from './turns.js';
import { Unsettled } from './unsettled.js';

/** Two and a half seconds of a handler of 10 ms: enough to be busy over the round trip of a refill. */
const DEFAULT_MAX_UNSETTLED = 256;
const DEFAULT_MAX_UNSETTLED_BYTES = 16 * 2 ** 20;
const DEFAULT_ACK_WAIT_MS = 10_000;
const DEFAULT_MAX_ACK_PENDING = 1_000;

const TRY_AGAIN_MS = 1_000;

/**
 * Reads what is stored for a delivery group, and what it has to try again, as fast as it is handled: never more than
 * may be unsettled.
 */
export class Reader implements Taker {
  readonly parts: GroupParts;
  readonly unsettled: Unsettled;
  /** What was settled last. A lost link loses acknowledgements: what comes again then must not run again. */
  readonly #known = new Known();
  readonly #knownRetries = new Known();
  readonly #backlog: Backlog;
  readonly #suspected: Suspected;
  readonly #order: Order | undefined;
  readonly #turns = new Turns();
  /** What came while the intake ended. Given back at once, it would come again, and again. */
  readonly #late: StreamDelivery[] = [];
  #lastSubject = '';
  #lastTopic = '';
  #consuming: Consuming[] = [];
  #again: Timer | undefined;
  #unwatch = () => {};
  #reading = false;
  /** How often it has begun: what an ended one still brings is none of the next one's. */
  #times = 0;
  #problem: BusError | undefined;

  constructor(parts: GroupParts, marks: () => KeyValue) {
    this.parts = parts;
    const ackWaitMs = parts.options.ackWaitMs ?? DEFAULT_ACK_WAIT_MS;
    this.unsettled = new Unsettled(parts.clock, ackWaitMs);
    this.#backlog = new Backlog(parts, this.place);
    this.#suspected = new Suspected(parts, marks);
    if (parts.options.order !== 'per-key') return;
    const [stream, consumer] = this.place;
    this.#order = new Order(parts, {
      stream,
      consumer,
      ackWaitMs,
      count: () => this.unsettled.ofStream,
      take: (delivery) => this.#take(delivery, false),
    });
  }

  /** Where it reads. */
  get place(): readonly [stream: string, consumer: string] {
    const { address, pattern, definition } = this.parts;
    return [streamOf(definition), consumerOf(address, pattern)];
  }

  get problem(): BusError | undefined {
    return this.#problem;
  }

  get health(): BacklogHealth {
    return { unsettled: this.unsettled.size, backlog: this.#reading ? this.#backlog.look() : undefined };
  }

  /**
   * Begins to read, unless it does. Rejects when a consumer can't be read from; it is tried again all the same, until
   * {@link end}.
   */
  async begin(): Promise<void> {
    if (this.#reading && this.#again === undefined) return;
    this.#again?.cancel();
    this.#again = undefined;
    if (!this.#reading) {
      this.#watchLink();
      this.#times += 1;
    }
    this.#reading = true;
    const time = this.#times;
    try {
      await this.#begin(time);
      if (this.#goesOn(time)) this.#problem = undefined;
    } catch (error) {
      if (!this.#goesOn(time)) throw error;
      await this.#stop();
      if (!this.#goesOn(time)) throw error;
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
    this.#giveBackLate();
    this.#order?.end();
  }

  /** What has not begun is handed out again, to whoever reads then. What runs goes on. */
  giveBack(): void {
    this.parts.router.queue.giveBack();
    this.#suspected.giveBack();
    for (const taken of this.#turns.withdraw()) taken.giveBackWhole();
    this.unsettled.giveBackWaiting();
  }

  async #begin(time: number): Promise<void> {
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
      if (this.#goesOn(time)) this.#consuming.push(consuming);
      else {
        await consuming.stop();
        this.#giveBackLate();
      }
    };
    this.#order?.hold();
    await consume(stream, (delivery) => this.#take(delivery, false));
    if (!this.#goesOn(time)) return;
    await this.#order?.look();
    if (!this.#goesOn(time)) return;
    await consume(retriesOf(address), (delivery) => this.#take(delivery, true));
  }

  #goesOn(time: number): boolean {
    return this.#reading && time === this.#times;
  }

  #giveBackLate(): void {
    for (const delivery of this.#late.splice(0)) delivery.later(0);
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
    const there = this.unsettled.get(delivery, isRetry);
    if (there !== undefined) {
      there.renew(delivery);
      return;
    }
    const known = isRetry ? this.#knownRetries : this.#known;
    if (known.has(delivery)) {
      delivery.ack();
      return;
    }
    if (known.contradicts(delivery)) tellThatCopiesDiffer(this.parts.reporter, delivery);
    // Whoever put it back once has waited: the clocks of two machines need not agree.
    const dueMs = isRetry && delivery.deliveries === 1 ? retryDueInMs(delivery, this.parts.clock.now()) : 0;
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
    this.#open(delivery, isRetry);
  }

  #open(delivery: StreamDelivery, isRetry: boolean): void {
    let state: TakenState;
    let bad: BusError | undefined;
    // A number is judged when it comes first; in another process nothing is known of it.
    const verdict = isRetry || delivery.deliveries === 1 ? undefined : UNSEEN;
    try {
      state = isRetry
        ? { ...arrivedRetry(delivery), verdict }
        : { letter: wholeOf(delivery, this.#topicOf(delivery)), tries: 0, firstFailed: undefined, verdict };
    } catch (error) {
      bad = BusError.from(error);
      state = { letter: wholeOf(delivery), tries: 0, firstFailed: undefined, verdict: undefined };
    }
    const taken = new Taken(this.parts, state, delivery, isRetry, this);
    this.unsettled.add(taken);
    const isSuspect = bad === undefined && delivery.deliveries - (isRetry ? 2 : 1) >= UNFINISHED;
    if (this.#order === undefined || isRetry) this.#start(taken, bad, isSuspect);
    else this.#turns.add({ taken, begin: () => this.#start(taken, bad, isSuspect), first: isSuspect });
  }

  #start(taken: Taken, bad: BusError | undefined, isSuspect: boolean): void {
    if (bad !== undefined) taken.deadLetter(bad);
    else if (isSuspect) this.#suspected.add(taken);
    else taken.open();
  }

  settled(taken: Taken, how: 'acked' | 'given-back'): void {
    if (how === 'acked') (taken.isRetry ? this.#knownRetries : this.#known).add(taken.delivery);
    this.unsettled.settle(taken);
  }

  /** Most have the subject of the one before. */
  #topicOf({ subject }: StreamDelivery): string {
    if (subject !== this.#lastSubject) {
      this.#lastTopic = fromSubject(subject);
      this.#lastSubject = subject;
    }
    return this.#lastTopic;
  }
}

const UNSEEN: Verdict = Object.freeze({ kind: 'untracked', missing: 0 });
