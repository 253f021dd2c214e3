import { sharedNow } from '../../soak/run/stall-meter.js';

/** What arrived, held against what should have. */
export interface Arrived {
  readonly received: number;
  readonly twice: number;
  /** Behind a later one of the same lane. Counted where an order is promised. */
  readonly outOfOrder: number;
}

/** So long nothing may arrive, by default, while something is waited for. */
const SILENCE_MS = 10_000;

/** Counts messages by their numbers, 0, 1, 2 and so on. */
export class Tally {
  readonly #lanes: number;
  readonly #silenceMs: number;
  readonly #last: Int32Array;
  #seen = new Uint8Array(1 << 16);
  #received = 0;
  #twice = 0;
  #outOfOrder = 0;
  #target = Number.POSITIVE_INFINITY;
  #reachedAt = 0;
  #reached: (() => void) | undefined;
  #onStep: ((received: number) => void) | undefined;
  #step = Number.POSITIVE_INFINITY;
  #markAt = Number.POSITIVE_INFINITY;
  #onMark: (() => void) | undefined;
  #nextStep = Number.POSITIVE_INFINITY;
  /** When each arrived, where that was asked for. */
  #times: Float64Array | undefined;

  /** @param lanes messages whose numbers are equal modulo it keep their order; 0 where none is promised */
  constructor(lanes: number, silenceMs = SILENCE_MS) {
    this.#lanes = lanes;
    this.#silenceMs = silenceMs;
    this.#last = new Int32Array(Math.max(lanes, 1)).fill(-1);
  }

  /** Tells how many have arrived after each `step` of them. */
  report(step: number, onStep: (received: number) => void): void {
    this.#step = step;
    this.#nextStep = this.#received + step;
    this.#onStep = onStep;
  }

  readonly take = (n: number): void => {
    if (n >= this.#seen.length) this.#grow(n);
    if (this.#seen[n] !== 0) {
      this.#twice += 1;
      return;
    }
    this.#seen[n] = 1;
    if (this.#lanes > 0) this.#order(n);
    if (this.#times !== undefined) this.#times[n] = sharedNow();
    this.#received += 1;
    if (this.#received >= this.#nextStep) {
      this.#nextStep += this.#step;
      this.#onStep?.(this.#received);
    }
    if (this.#received === this.#markAt) this.#onMark?.();
    if (this.#received === this.#target) {
      this.#reachedAt = sharedNow();
      this.#onStep?.(this.#received);
      this.#reached?.();
    }
  };

  /** Names the number of messages, of all that ever came, that {@link reached} waits for. */
  aim(target: number, timed = false): void {
    if (target > this.#seen.length) this.#grow(target);
    this.#target = target;
    this.#reachedAt = 0;
    this.#times = timed ? new Float64Array(target) : undefined;
  }

  /** Calls back when so many have arrived, of all that ever came. */
  mark(at: number, onMark: () => void): void {
    this.#markAt = at;
    this.#onMark = onMark;
  }

  /** Resolves with when the last of them arrived, on `sharedNow`. Rejects when nothing arrives any more. */
  async reached(): Promise<number> {
    let before = -1;
    while (this.#reachedAt === 0) {
      if (this.#received === before) {
        throw new Error(
          `${this.#received} of ${this.#target} messages arrived, and then none for ${this.#silenceMs} ms`,
        );
      }
      before = this.#received;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#silenceMs);
        this.#reached = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#reachedAt;
  }

  arrived(): Arrived {
    return { received: this.#received, twice: this.#twice, outOfOrder: this.#outOfOrder };
  }

  get times(): Float64Array {
    return this.#times ?? new Float64Array();
  }

  #order(n: number): void {
    const lane = n % this.#lanes;
    if (n < (this.#last[lane] ?? -1)) this.#outOfOrder += 1;
    else this.#last[lane] = n;
  }

  #grow(n: number): void {
    const larger = new Uint8Array(Math.max(n + 1, this.#seen.length * 2));
    larger.set(this.#seen);
    this.#seen = larger;
  }
}
