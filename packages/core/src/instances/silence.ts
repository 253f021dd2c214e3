import type { Clock, Timer } from '../transport/clock.js';

/** Older standbys than this don't wait longer: after a third of the silence more, who comes first comes first. */
const MOST_RANKS = 2;

/** Beacons, and what is made of it when there are none. */
export class Silence {
  readonly #clock: Clock;
  readonly #standbyAfterMs: number;
  /** Newer instances that were active at some time. */
  readonly #newer = new Set<string>();
  #timer: Timer | undefined;
  #heard = 0;
  #restart = () => {};

  constructor(clock: Clock, standbyAfterMs: number) {
    this.#clock = clock;
    this.#standbyAfterMs = standbyAfterMs;
  }

  /** How often somebody was heard. */
  get heard(): number {
    return this.#heard;
  }

  /** Somebody is there: the silence begins anew. */
  hear(newer?: string): void {
    if (newer !== undefined && this.#newer.size <= MOST_RANKS) this.#newer.add(newer);
    this.#heard += 1;
    this.#restart();
  }

  /** Speaks three times before its own silence counts, again and again. */
  beacon(speak: () => void): void {
    this.end();
    this.#timer = this.#clock.setTimer(this.#standbyAfterMs / 3, () => {
      speak();
      this.beacon(speak);
    });
  }

  /**
   * Calls `then` once when nobody has been heard for long enough. Among several that wait `inTurn` the newest, as far
   * as they know of each other, comes first; the newest of all is the one that is silent.
   */
  wait(inTurn: boolean, then: () => void): void {
    const restart = () => {
      const rank = inTurn ? Math.max(0, this.#newer.size - 1) : 0;
      this.#timer?.cancel();
      this.#timer = this.#clock.setTimer(this.#standbyAfterMs * (1 + rank / 6), then);
    };
    restart();
    this.#restart = restart;
  }

  end(): void {
    this.#timer?.cancel();
    this.#restart = () => {};
  }
}
