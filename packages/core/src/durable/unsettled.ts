import type { Clock, Timer } from '../transport/clock.js';
import type { Taken } from './taken.js';

/**
 * The deliveries that a reader answers for, in the order in which they came: it keeps them from being handed out to another
 * one. The map holds their places alone: the tables that a map has grown out of keep what was in them from being collected.
 */
export class Unsettled {
  readonly #clock: Clock;
  readonly #ackWaitMs: number;
  readonly #places = new Map<string, number>();
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
    return this.#places.size;
  }

  /** How many of the stream itself there are, and how many were settled since the reader was made. */
  get ofStream(): { readonly unsettled: number; readonly settled: number } {
    return { unsettled: this.#ofStream, settled: this.#settledOfStream };
  }

  get(key: string): Taken | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#taken[place];
  }

  add(key: string, taken: Taken, isRetry: boolean): void {
    const place = this.#free.pop() ?? this.#taken.length;
    this.#taken[place] = taken;
    this.#places.set(key, place);
    if (!isRetry) this.#ofStream += 1;
    this.#prolong();
  }

  settle(key: string, isRetry: boolean): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#taken[place] = undefined;
    this.#free.push(place);
    if (!isRetry) {
      this.#ofStream -= 1;
      this.#settledOfStream += 1;
    }
    for (const watch of this.#watchers) watch();
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

  #inOrder(): Taken[] {
    return [...this.#places.values()].flatMap((place) => this.#taken[place] ?? []);
  }
}
