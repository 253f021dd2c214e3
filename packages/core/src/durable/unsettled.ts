import type { Clock, Timer } from '../transport/clock.js';
import type { StreamDelivery } from '../transport/streams.js';
import type { Taken } from './taken.js';

/**
 * The deliveries that a reader answers for, in the order in which they came: it keeps them from being handed out to another
 * one. Maps hold their places alone: the tables that a map has grown out of keep what was in them from being collected.
 */
export class Unsettled {
  readonly #clock: Clock;
  readonly #ackWaitMs: number;
  /** By their number in the stream, and in that of what is tried again. */
  readonly #inStream = new Map<number, number>();
  readonly #inRetries = new Map<number, number>();
  /** Those whose number another one has: a stream that was made anew numbers from 1 again. */
  readonly #others = new Set<Taken>();
  #size = 0;
  readonly #taken: (Taken | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #waiters = new Set<() => void>();
  readonly #watchers = new Set<() => void>();
  #working: Timer | undefined;
  /** Of the stream itself: what is to be tried again has no order. */
  #ofStream = 0;
  #settledOfStream = 0;

  constructor(clock: Clock, ackWaitMs: number) {
    this.#clock = clock;
    this.#ackWaitMs = ackWaitMs;
  }

  get size(): number {
    return this.#size;
  }

  /** How many of the stream itself there are, and how many were settled since the reader was made. */
  get ofStream(): { readonly unsettled: number; readonly settled: number } {
    return { unsettled: this.#ofStream, settled: this.#settledOfStream };
  }

  /** The same message as this delivery, where it is here. */
  get({ sequence, storedAt }: StreamDelivery, isRetry: boolean): Taken | undefined {
    const place = this.#places(isRetry).get(sequence);
    if (place !== undefined) {
      const taken = this.#taken[place];
      if (taken?.delivery.storedAt === storedAt) return taken;
    }
    if (this.#others.size > 0) {
      for (const taken of this.#others) {
        const { delivery } = taken;
        if (taken.isRetry === isRetry && delivery.sequence === sequence && delivery.storedAt === storedAt) return taken;
      }
    }
    return undefined;
  }

  add(taken: Taken): void {
    const place = this.#free.pop() ?? this.#taken.length;
    this.#taken[place] = taken;
    taken.place = place;
    const places = this.#places(taken.isRetry);
    const { sequence } = taken.delivery;
    if (places.has(sequence)) this.#others.add(taken);
    else places.set(sequence, place);
    this.#size += 1;
    if (!taken.isRetry) this.#ofStream += 1;
    if (this.#working === undefined) this.#prolong();
  }

  settle(taken: Taken): void {
    const { place, isRetry } = taken;
    if (this.#taken[place] !== taken) return;
    this.#taken[place] = undefined;
    this.#free.push(place);
    const places = this.#places(isRetry);
    const { sequence } = taken.delivery;
    if (places.get(sequence) === place) places.delete(sequence);
    else this.#others.delete(taken);
    this.#size -= 1;
    if (!isRetry) {
      this.#ofStream -= 1;
      this.#settledOfStream += 1;
    }
    if (this.#watchers.size > 0) for (const watch of this.#watchers) watch();
    if (this.size > 0) return;
    this.#working?.cancel();
    this.#working = undefined;
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }

  /** What waits for its next try in its place is handed out again. */
  giveBackWaiting(): void {
    for (const taken of this.#inOrder()) taken.giveBackWaiting();
  }

  /** Resolves when nothing is unsettled any more. */
  settled(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  /** Calls back whenever something was settled, until the returned function is called. */
  onSettled(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** As long as there is any: what waits for its turn is worked on too. */
  #prolong(): void {
    this.#working ??= this.#clock.setTimer(this.#ackWaitMs / 3, () => {
      this.#working = undefined;
      for (const taken of this.#inOrder()) taken.delivery.working();
      if (this.size > 0) this.#prolong();
    });
  }

  #places(isRetry: boolean): Map<number, number> {
    return isRetry ? this.#inRetries : this.#inStream;
  }

  #inOrder(): Taken[] {
    const places = [...this.#inStream.values(), ...this.#inRetries.values()];
    return [...places.flatMap((place) => this.#taken[place] ?? []), ...this.#others];
  }
}
