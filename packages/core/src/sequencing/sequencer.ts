import { MAX_NAMED_RANGES } from './abandoned.js';
import type { SequenceRanges } from './ranges.js';
import { NO_RANGES, union, without } from './ranges.js';
import { distance, step } from './serial.js';

/** What a message of a tracked mailbox is stamped with. */
export interface SequenceStamp {
  readonly destination: string;
  /** For the header `Terabus-Epoch`. */
  readonly epoch: string;
  /** For `TeraModuleMessage.head.seq`. */
  readonly seq: number;
  /** For the header `Terabus-Abandoned`. */
  readonly abandoned: SequenceRanges;
}

/** Options of {@link Sequencer}. */
export interface SequencerOptions {
  /**
   * Makes an epoch: a text that no sender has used before, greater than those of this sender so far (a monotonic
   * ULID). Called once at the start, and again for counters that must start over.
   */
  readonly newEpoch: () => string;
  /**
   * How many destinations are counted, 10,000 by default, some megabytes. Beyond that the one used longest ago is
   * forgotten, and takes a new epoch if it is used again.
   */
  readonly maxDestinations?: number | undefined;
}

/** A destination's counter. */
interface Counter {
  readonly epoch: string;
  seq: number;
  /** Given up, and not yet named by a message that was handed over. */
  abandoned: SequenceRanges;
  /** Given up, and named by a message that was handed over and may have been lost: heartbeats name them again. */
  named: SequenceRanges;
}

/**
 * The most ranges kept for a destination, as many as a receiver's window has numbers. Only hundreds of publishes in
 * flight at once that fail in turns get there.
 */
const MAX_KEPT_RANGES = 1_024;

/**
 * Numbers the messages of one sender: per destination from 1, from 2^32−1 on to 1. No
 * number is used twice in an epoch, whatever became of its message.
 *
 * Each stamp is settled by one of two calls. {@link sent}: its message was handed over, and with it the numbers it
 * names. {@link abandon}: it was rejected or nobody knows, so its number is named as abandoned by messages to come,
 * together with the numbers that it should have named itself, until one of them is handed over. A message that is
 * reported as unconfirmed after it was `sent` is abandoned then. Messages in flight at the same time name the same
 * numbers; naming them again changes nothing for the receiver.
 *
 * Names that are lost on their way to a receiver, after they were handed over, are repeated by heartbeats alone: until
 * one of these comes, that receiver counts those numbers as missing.
 */
export class Sequencer {
  readonly #newEpoch: () => string;
  readonly #maxDestinations: number;
  /** In order of last use. */
  readonly #counters = new Map<string, Counter>();
  /** What a new counter gets: no forgotten counter had it, so a destination that comes back repeats no number. */
  #epoch: string;

  constructor({ newEpoch, maxDestinations = 10_000 }: SequencerOptions) {
    this.#newEpoch = newEpoch;
    this.#maxDestinations = maxDestinations;
    this.#epoch = newEpoch();
  }

  /** The stamp of the next message to a destination. */
  next(destination: string): SequenceStamp {
    const counter = this.#use(destination);
    counter.seq = step(counter.seq, 1);
    return stampOf(destination, counter);
  }

  /**
   * The last number given to a destination, for a heartbeat; undefined if there is none or it was forgotten. It
   * names the newest of all abandoned numbers, those that a message has named too: that one may be among those lost.
   * A heartbeat has no number of its own and is settled by no call, since it may be lost itself.
   */
  last(destination: string): SequenceStamp | undefined {
    const counter = this.#counters.get(destination);
    if (counter === undefined) return undefined;
    const { epoch, seq } = counter;
    return { destination, epoch, seq, abandoned: union(counter.abandoned, counter.named).slice(-MAX_NAMED_RANGES) };
  }

  /** Its message was handed over: what it named needs no naming any more. */
  sent({ destination, epoch, abandoned }: SequenceStamp): void {
    const counter = this.#counters.get(destination);
    if (abandoned.length === 0 || counter?.epoch !== epoch) return;
    counter.abandoned = without(counter.abandoned, abandoned);
    counter.named = union(recent(counter.named, counter.seq), abandoned).slice(-MAX_NAMED_RANGES);
  }

  /** Its message was rejected or is unconfirmed: its number, and those it named, are to be named from now on. */
  abandon({ destination, epoch, seq, abandoned }: SequenceStamp): void {
    const counter = this.#counters.get(destination);
    // The epoch of a forgotten counter has ended: no later number lets this one look lost.
    if (counter?.epoch !== epoch) return;
    counter.abandoned = union(union(counter.abandoned, abandoned), [{ first: seq, last: seq }]);
    // Too many to keep: in a new epoch there is nothing to name. What was not named yet may be counted as missing.
    if (counter.abandoned.length > MAX_KEPT_RANGES) this.#forget(destination, counter);
  }

  #use(destination: string): Counter {
    const known = this.#counters.get(destination);
    if (known !== undefined) {
      this.#counters.delete(destination);
      this.#counters.set(destination, known);
      return known;
    }
    for (const [oldest, counter] of this.#counters) {
      if (this.#counters.size < this.#maxDestinations) break;
      this.#forget(oldest, counter);
    }
    const counter: Counter = { epoch: this.#epoch, seq: 0, abandoned: NO_RANGES, named: NO_RANGES };
    this.#counters.set(destination, counter);
    return counter;
  }

  #forget(destination: string, counter: Counter): void {
    this.#counters.delete(destination);
    if (counter.epoch === this.#epoch) this.#epoch = this.#newEpoch();
  }
}

/** What lies so far back that no receiver corrects it any more needs no naming. */
function recent(ranges: SequenceRanges, seq: number): SequenceRanges {
  return ranges.filter(({ last }) => distance(last, seq) < MAX_KEPT_RANGES);
}

function stampOf(destination: string, { epoch, seq, abandoned }: Counter): SequenceStamp {
  const named = abandoned.length <= MAX_NAMED_RANGES ? abandoned : abandoned.slice(0, MAX_NAMED_RANGES);
  return { destination, epoch, seq, abandoned: named };
}
