import type { SequenceRanges } from './ranges.js';
import { intersection, sizeOf, span } from './ranges.js';
import { distance, step } from './serial.js';
import type { Verdict } from './verdict.js';
import { DUPLICATE, gap, IN_ORDER, LATE } from './verdict.js';

/** Neither came nor is awaited: abandoned, or older than the first that was seen. */
const NOT_AWAITED = 0;
const MISSING = 1;
const CAME = 2;

/**
 * The numbers of one (source, epoch, destination), as a receiver sees them: the newest, and what became of each in
 * the window that ends with it.
 *
 * A number older than the window may be late or a duplicate, and nothing is left to tell which. It is taken for
 * late, since duplicates may be dropped: a message that comes twice harms less than one that never comes.
 */
export class SequenceCounter {
  readonly #window: number;
  /** A ring: the number `n` steps before the newest is at `(position − n) mod window`. */
  readonly #states: Uint8Array;
  #position: number;
  #newest: number;
  #missing = 0;

  /** Starts with the first number seen. */
  constructor(window: number, first: number) {
    this.#window = window;
    this.#states = new Uint8Array(window);
    // Not the number itself: 2^32−1 is no multiple of the window, so numbers would change places at the wrap.
    this.#position = window;
    this.#newest = first;
    this.#states[this.#slot(0)] = CAME;
  }

  /** How many numbers have been reported as missing, less those that came late or were named as abandoned since. */
  get missing(): number {
    return this.#missing;
  }

  observe(seq: number, abandoned: SequenceRanges): Verdict {
    // Before the window moves on: what leaves it can't be corrected any more.
    this.#excuse(abandoned);
    const ahead = distance(this.#newest, seq);
    return ahead > 0 ? this.#advance(seq, ahead, abandoned) : this.#lookBack(-ahead);
  }

  /**
   * Takes note of the last number that its sender has given: what did not come up to it is missing, itself included.
   * A number that was overtaken by this is late when it comes.
   */
  observeLast(last: number, abandoned: SequenceRanges): Verdict {
    this.#excuse(abandoned);
    const ahead = distance(this.#newest, last);
    if (ahead <= 0) return IN_ORDER;
    const before = this.#missing;
    this.#moveTo(last, ahead, MISSING, abandoned);
    const missing = this.#missing - before;
    return missing === 0 ? IN_ORDER : gap(missing);
  }

  #lookBack(back: number): Verdict {
    if (back >= this.#window) return LATE;
    const slot = this.#slot(back);
    const state = this.#states[slot];
    if (state === CAME) return DUPLICATE;
    if (state === MISSING) this.#missing--;
    this.#states[slot] = CAME;
    return LATE;
  }

  #advance(seq: number, ahead: number, abandoned: SequenceRanges): Verdict {
    const before = this.#missing;
    this.#moveTo(seq, ahead, CAME, abandoned);
    const missing = this.#missing - before;
    return missing === 0 ? IN_ORDER : gap(missing);
  }

  /** Moves the window on. What is skipped is missing, less what is abandoned. */
  #moveTo(seq: number, ahead: number, state: typeof CAME | typeof MISSING, abandoned: SequenceRanges): void {
    const skipped = ahead - 1;
    // A leap may be larger than the window: what is beyond is only counted, so that no leap costs more than a window.
    const kept = Math.min(skipped, this.#window - 1);
    const beyond = span(step(this.#newest, 1), skipped - kept);
    this.#missing += skipped - sizeOf(intersection(beyond, abandoned));

    this.#newest = seq;
    this.#position += ahead;
    for (let back = kept; back > 0; back--) this.#states[this.#slot(back)] = MISSING;
    this.#states[this.#slot(0)] = state;
    if (state === MISSING) this.#missing++;
    this.#excuse(abandoned);
  }

  /** Numbers in the window that their sender has abandoned are missing no more. */
  #excuse(abandoned: SequenceRanges): void {
    if (abandoned.length === 0) return;
    const inWindow = span(step(this.#newest, 1 - this.#window), this.#window);
    for (const { first, last } of intersection(inWindow, abandoned)) {
      for (let seq = first; seq <= last; seq++) {
        const slot = this.#slot(distance(seq, this.#newest));
        if (this.#states[slot] !== MISSING) continue;
        this.#states[slot] = NOT_AWAITED;
        this.#missing--;
      }
    }
  }

  #slot(back: number): number {
    return (this.#position - back) % this.#window;
  }
}
