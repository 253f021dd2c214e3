import type { Clock, Timer } from '../transport/clock.js';
import type { Taken } from './taken.js';

/** The deliveries that a reader answers for, which it keeps from being handed out to another one. */
export class Unsettled {
  readonly #clock: Clock;
  readonly #ackWaitMs: number;
  readonly #taken = new Map<string, Taken>();
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
    return this.#taken.size;
  }

  /** How many of the stream itself there are, and how many were settled since the reader was made. */
  get ofStream(): { readonly unsettled: number; readonly settled: number } {
    return { unsettled: this.#ofStream, settled: this.#settledOfStream };
  }

  get(key: string): Taken | undefined {
    return this.#taken.get(key);
  }

  /** Has it until it is settled. */
  add(key: string, taken: Taken, isRetry: boolean): void {
    this.#taken.set(key, taken);
    if (!isRetry) this.#ofStream += 1;
    this.#prolong();
    void taken.settled.then(() => this.#settle(key, isRetry));
  }

  /** What waits for its next try in its place is handed out again. */
  giveBackWaiting(): void {
    for (const taken of [...this.#taken.values()]) taken.giveBackWaiting();
  }

  /** Resolves when nothing is unsettled any more. */
  settled(): Promise<void> {
    if (this.#taken.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  /** Calls back whenever something was settled, until the returned function is called. */
  onSettled(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #settle(key: string, isRetry: boolean): void {
    this.#taken.delete(key);
    if (!isRetry) {
      this.#ofStream -= 1;
      this.#settledOfStream += 1;
    }
    for (const watch of this.#watchers) watch();
    if (this.#taken.size > 0) return;
    this.#working?.cancel();
    this.#working = undefined;
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }

  /** As long as there is any: what waits for its turn is worked on too. */
  #prolong(): void {
    this.#working ??= this.#clock.setTimer(this.#ackWaitMs / 3, () => {
      this.#working = undefined;
      for (const taken of this.#taken.values()) taken.delivery.working();
      if (this.#taken.size > 0) this.#prolong();
    });
  }
}
