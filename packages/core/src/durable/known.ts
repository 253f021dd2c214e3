import { BusError } from '@terabus/messages';
import type { Reporter } from '../observe/reporter.js';
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
  /** The latest time of all that were added, and the highest number: nearly all that come have one beyond it. */
  #newest = 0;
  #highest = 0;

  add({ sequence, storedAt }: StreamDelivery): void {
    if (storedAt > this.#newest) this.#newest = storedAt;
    if (sequence > this.#highest) this.#highest = sequence;
    if (this.#later.size === LEAST_KNOWN) {
      this.#earlier = this.#later;
      this.#later = new Map();
    }
    this.#later.set(sequence, storedAt);
  }

  has({ sequence, storedAt }: StreamDelivery): boolean {
    if (sequence > this.#highest) return false;
    return this.#later.get(sequence) === storedAt || this.#earlier.get(sequence) === storedAt;
  }

  /**
   * Whether another message than this had its number before, in the same stream: its copies differ. What a stream that was
   * made anew has is later than all that is known, which is forgotten then.
   */
  contradicts({ sequence, storedAt }: StreamDelivery): boolean {
    if (sequence > this.#highest) return false;
    const known = this.#later.get(sequence) ?? this.#earlier.get(sequence);
    if (known === undefined || known === storedAt) return false;
    if (storedAt <= this.#newest) return true;
    this.#later.clear();
    this.#earlier.clear();
    this.#highest = 0;
    return false;
  }
}

/** A consumer hands out what the copy beside it has: it has moved to another one, and what it skips there, nobody is told. */
export function tellThatCopiesDiffer(reporter: Reporter, { stream, sequence }: StreamDelivery): void {
  const error = () =>
    new BusError(
      `number ${sequence} of '${stream}' was handed out before with another message: the copies of the stream differ, and messages may be skipped or come twice`,
      { reason: 'TERABUS_STREAM_COPIES_DIFFER', details: { stream, sequence } },
    );
  reporter.reportFlood(stream, 'TERABUS_STREAM_COPIES_DIFFER', error, { stream, sequence });
}
