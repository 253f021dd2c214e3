import type { StreamDelivery } from '../transport/streams.js';

/** So many of those that were settled last are known at least, and twice as many at most. */
const LEAST_KNOWN = 10_000;

/**
 * What was settled last. By numbers alone, in two halves of which the older one goes as a whole: this is all that
 * outlives a message, and whatever does is costly to collect.
 */
export class Known {
  /** When it was stored, by its number: a stream that was made anew numbers from 1 again. */
  #later = new Map<number, number>();
  #earlier = new Map<number, number>();

  add({ sequence, storedAt }: StreamDelivery): void {
    if (this.#later.size === LEAST_KNOWN) {
      this.#earlier = this.#later;
      this.#later = new Map();
    }
    this.#later.set(sequence, storedAt);
  }

  has({ sequence, storedAt }: StreamDelivery): boolean {
    return this.#later.get(sequence) === storedAt || this.#earlier.get(sequence) === storedAt;
  }
}
