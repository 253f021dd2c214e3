import { matcherOf } from '../../topics/pattern.js';
import type { Clock, Timer } from '../clock.js';
import type { ConsumerPlan } from '../store-plan.js';
import type { ConsumerState } from '../streams.js';
import type { MemoryStream, Row } from './stream.js';

/** A message that a consumer hands out. */
export interface HandedOut {
  readonly row: Row;
  readonly deliveries: number;
  readonly pending: number;
}

/** Who reads from a consumer, on one connection. */
export interface Reader {
  readonly hasRoom: boolean;
  take(handedOut: HandedOut): void;
}

/** What may be changed of a consumer that is there. */
export type ConsumerChanges = Partial<Pick<ConsumerPlan, 'ackWaitMs' | 'maxAckPending'>>;

interface Unsettled {
  deliveries: number;
  /** When it is handed out again. */
  dueMs: number;
  /** Whether it waits for a reader to take it again. */
  again: boolean;
}

/** A durable pull consumer of a stream, with the timers of its readers alone: nobody waits for what nobody reads. */
export class MemoryConsumer {
  readonly #stream: MemoryStream;
  readonly #clock: Clock;
  readonly #matches: (subject: string) => boolean;
  readonly #unsettled = new Map<number, Unsettled>();
  readonly #again: number[] = [];
  readonly #readers: Reader[] = [];
  #plan: ConsumerPlan;
  #next: number;
  #pending = 0;
  #timer: { readonly dueMs: number; readonly timer: Timer } | undefined;

  constructor(plan: ConsumerPlan, stream: MemoryStream, clock: Clock) {
    this.#plan = plan;
    this.#matches = matcherOf(plan.filter);
    this.#stream = stream;
    this.#clock = clock;
    this.#next = beginning(plan, stream);
    for (let row = this.#find(this.#next); row; row = this.#find(row.sequence + 1)) this.#pending += 1;
  }

  get plan(): ConsumerPlan {
    return this.#plan;
  }

  get state(): ConsumerState {
    const first = Math.min(this.#next, ...this.#unsettled.keys());
    return { pending: this.#pending, unsettled: this.#unsettled.size, settledUpTo: first - 1 };
  }

  /** Changes what a consumer is like from now on, as an administrator may. */
  alter(changes: ConsumerChanges): void {
    this.#plan = { ...this.#plan, ...changes };
    this.handOut();
  }

  attach(reader: Reader): void {
    this.#readers.push(reader);
    this.#lookForExpired();
    this.handOut();
  }

  detach(reader: Reader): void {
    const index = this.#readers.indexOf(reader);
    if (index !== -1) this.#readers.splice(index, 1);
    if (this.#readers.length === 0) this.#disarm();
  }

  /** It is deleted: what it has handed out is settled with nobody. */
  end(): void {
    this.#unsettled.clear();
    this.#readers.length = 0;
    this.#disarm();
  }

  stored(row: Row): void {
    if (this.#wants(row)) this.#pending += 1;
  }

  removed(row: Row): void {
    if (row.sequence >= this.#next) this.#pending -= this.#wants(row) ? 1 : 0;
    else this.#unsettled.delete(row.sequence);
  }

  ack(sequence: number): void {
    if (!this.#unsettled.delete(sequence)) return;
    this.#stream.acknowledged(sequence);
    if (this.#unsettled.size === 0) this.#disarm();
    this.handOut();
  }

  later(sequence: number, delayMs: number): void {
    const unsettled = this.#unsettled.get(sequence);
    if (unsettled === undefined || unsettled.again) return;
    if (delayMs > 0) this.#due(unsettled, delayMs);
    else {
      unsettled.again = true;
      this.#again.push(sequence);
      this.handOut();
    }
  }

  working(sequence: number): void {
    const unsettled = this.#unsettled.get(sequence);
    if (unsettled !== undefined) unsettled.dueMs = this.#clock.elapsed() + this.#plan.ackWaitMs;
  }

  /** Gives readers that have room what there is: what comes again first. Readers take turns. */
  handOut(): void {
    for (let reader = this.#withRoom(); reader; reader = this.#withRoom()) {
      const row = this.#takeAgain() ?? this.#takeNew();
      if (row === undefined) return;
      const unsettled = this.#unsettled.get(row.sequence) ?? { deliveries: 0, dueMs: 0, again: false };
      this.#unsettled.set(row.sequence, unsettled);
      unsettled.deliveries += 1;
      unsettled.again = false;
      this.#due(unsettled, this.#plan.ackWaitMs);
      this.#readers.push(...this.#readers.splice(this.#readers.indexOf(reader), 1));
      reader.take({ row, deliveries: unsettled.deliveries, pending: this.#pending });
    }
  }

  #withRoom(): Reader | undefined {
    return this.#readers.find(({ hasRoom }) => hasRoom);
  }

  #takeAgain(): Row | undefined {
    for (let sequence = this.#again.shift(); sequence !== undefined; sequence = this.#again.shift()) {
      const row = this.#stream.get(sequence);
      // Settled or gone since it was put there.
      if (row !== undefined && this.#unsettled.get(sequence)?.again === true) return row;
    }
    return undefined;
  }

  #takeNew(): Row | undefined {
    if (this.#pending === 0 || this.#unsettled.size >= this.#plan.maxAckPending) return undefined;
    const row = this.#find(this.#next);
    if (row === undefined) return undefined;
    this.#next = row.sequence + 1;
    this.#pending -= 1;
    return row;
  }

  #find(fromSequence: number): Row | undefined {
    return this.#stream.next(fromSequence, ({ subject }) => this.#matches(subject));
  }

  /** Whether it is one of those that it has still to hand out. */
  #wants(row: Row): boolean {
    return row.sequence >= this.#next && this.#matches(row.subject);
  }

  #due(unsettled: Unsettled, delayMs: number): void {
    unsettled.dueMs = this.#clock.elapsed() + delayMs;
    this.#arm(unsettled.dueMs);
  }

  #arm(dueMs: number): void {
    if (this.#readers.length === 0 || (this.#timer !== undefined && this.#timer.dueMs <= dueMs)) return;
    this.#disarm();
    const timer = this.#clock.setTimer(Math.max(0, dueMs - this.#clock.elapsed()), () => {
      this.#timer = undefined;
      this.#lookForExpired();
      this.handOut();
    });
    this.#timer = { dueMs, timer };
  }

  #disarm(): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  /** Puts what is due behind what waits already, in order of its numbers, and waits for the next. */
  #lookForExpired(): void {
    const elapsedMs = this.#clock.elapsed();
    const waiting = [...this.#unsettled].filter(([, { again }]) => !again);
    const expired = waiting.filter(([, { dueMs }]) => dueMs <= elapsedMs);
    for (const [sequence, unsettled] of expired.sort(([a], [b]) => a - b)) {
      unsettled.again = true;
      this.#again.push(sequence);
    }
    const next = waiting.reduce((min, [, { again, dueMs }]) => (again ? min : Math.min(min, dueMs)), Infinity);
    if (next !== Infinity) this.#arm(next);
  }
}

function beginning({ start }: ConsumerPlan, stream: MemoryStream): number {
  if (start === 'all') return 1;
  const behindAll = stream.state.lastSequence + 1;
  if (start === 'new') return behindAll;
  if ('sequence' in start) return Math.min(start.sequence, behindAll);
  return stream.next(1, ({ storedAt }) => storedAt >= start.timeMs)?.sequence ?? behindAll;
}
