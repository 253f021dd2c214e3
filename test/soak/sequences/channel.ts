import type { Random } from '../run/random.js';

/** How often what happens, per message. */
const DROPPED = 0.01;
const TWICE = 0.005;
const HELD_BACK = 0.01;
/** By how many others a message is overtaken at most: far inside of the receiver's window. */
const OVERTAKEN_BY = 50;

/** A way on which messages get lost, come twice, and overtake each other. */
export class Channel<M> {
  dropped = 0;
  doubled = 0;
  swapped = 0;
  readonly #random: Random;
  readonly #forward: (message: M) => void;
  #held: { readonly message: M; left: number }[] = [];

  constructor(random: Random, forward: (message: M) => void) {
    this.#random = random;
    this.#forward = forward;
  }

  /** Takes a message. */
  take(message: M): void {
    const random = this.#random;
    if (random.chance(DROPPED)) {
      this.dropped += 1;
    } else if (random.chance(HELD_BACK)) {
      this.swapped += 1;
      this.#hold(message);
    } else {
      this.#forward(message);
      if (random.chance(TWICE)) {
        this.doubled += 1;
        this.#hold(message);
      }
    }
    this.#release();
  }

  /** Forwards what is held back. */
  empty(): void {
    for (const { message } of this.#held) this.#forward(message);
    this.#held = [];
  }

  #hold(message: M): void {
    this.#held.push({ message, left: 1 + this.#random.below(OVERTAKEN_BY) });
  }

  #release(): void {
    if (this.#held.length === 0) return;
    for (const held of this.#held) held.left -= 1;
    const due = this.#held.filter(({ left }) => left <= 0);
    if (due.length === 0) return;
    this.#held = this.#held.filter(({ left }) => left > 0);
    for (const { message } of due) this.#forward(message);
  }
}
