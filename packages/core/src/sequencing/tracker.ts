import { SequenceCounter } from './counter.js';
import type { SequenceRanges } from './ranges.js';
import { NO_RANGES } from './ranges.js';
import { isSeq } from './serial.js';
import type { Verdict } from './verdict.js';
import { FIRST, IN_ORDER, RESTART, UNTRACKED } from './verdict.js';

/** Options of {@link SequenceTracker}. */
export interface SequenceTrackerOptions {
  /**
   * How many counters are kept, 10,000 by default, about 10 MB when all are in use. Beyond that the one that was
   * observed longest ago is forgotten.
   */
  readonly maxCounters?: number | undefined;
  /**
   * How many numbers back a counter remembers what came, the newest included: 1,024 by default, more than any
   * reordering or redelivery that a live connection shows.
   */
  readonly window?: number | undefined;
  /**
   * Whether an epoch may count as the newest of its sender. One that may not has a counter like any other and is
   * `first`, never `restart`. Defaults to yes.
   */
  readonly mayBeNewest?: ((epoch: string) => boolean) | undefined;
}

/** The arrival of a message, as its sender stamped it. */
export interface Arrival {
  /** `head.source`. */
  readonly source: string;
  /** The header `Terabus-Epoch`; undefined for senders without, which have a counter of their own. */
  readonly epoch: string | undefined;
  /** The topic it arrived on, not what its header claims. */
  readonly destination: string;
  /** `head.seq`; 0 is untracked. */
  readonly seq: number;
  /** The header `Terabus-Abandoned`, as `parseAbandoned` reads it. */
  readonly abandoned?: SequenceRanges | undefined;
}

/** What a sender's heartbeat says: `seq` is the last number that it has given. */
export type LastGiven = Arrival & { readonly epoch: string };

/** What is known of one (source, destination). */
interface Lane {
  readonly source: string;
  readonly destination: string;
  readonly counters: Map<string | undefined, TrackedCounter>;
  /** The newest epoch seen. It outlives its counter, so that it can't look like a restart a second time. */
  newestEpoch: string | undefined;
}

/** A counter that knows where it is filed. */
class TrackedCounter extends SequenceCounter {
  constructor(
    readonly lane: Lane,
    readonly epoch: string | undefined,
    window: number,
    first: number,
  ) {
    super(window, first);
  }
}

/** Names of any size come from outside and are kept: a subject has at most 255 bytes, an epoch 26. */
const MAX_NAME_LENGTH = 255;

/**
 * Judges the numbers that arrive, for one receiver: a pure state machine. It keeps a
 * counter per (source, epoch, destination), several epochs side by side since replicas and rolling restarts of a
 * sender overlap. What follows from a verdict is its caller's policy; nothing is dropped here.
 *
 * It is shown arrivals, before queue and handler, and each delivery once: **a redelivery is not shown**, it keeps the
 * verdict of its first arrival. Shown again it would be a duplicate, and dropping it would lose the message.
 *
 * Epochs sort by age (ULIDs). A `restart` is the first arrival of an epoch newer than all that were seen of its
 * (source, destination); an older one that is not known is `first`, as is a sender without epoch. A counter that was
 * forgotten starts again as `first`, not as `restart`, while anything else is known of its (source, destination);
 * when all of that is forgotten there is nothing newer or older, so it is `first` too.
 */
export class SequenceTracker {
  readonly #maxCounters: number;
  readonly #window: number;
  readonly #mayBeNewest: (epoch: string) => boolean;
  readonly #lanes = new Map<string, Map<string, Lane>>();
  /** In order of last use. */
  readonly #recent = new Set<TrackedCounter>();
  #missingTotal = 0;

  constructor({ maxCounters = 10_000, window = 1_024, mayBeNewest = () => true }: SequenceTrackerOptions = {}) {
    this.#maxCounters = maxCounters;
    this.#window = window;
    this.#mayBeNewest = mayBeNewest;
  }

  /**
   * How many numbers are missing over all counters, forgotten ones included. It grows with each gap, and shrinks
   * when a missing number comes late or is named as abandoned within its window.
   */
  get missingTotal(): number {
    return this.#missingTotal;
  }

  /** How many counters are kept. */
  get size(): number {
    return this.#recent.size;
  }

  /** Takes note of an arrival. A number that is no uint32, or a name beyond 255 characters, is `untracked`. */
  observe({ source, epoch, destination, seq, abandoned = NO_RANGES }: Arrival): Verdict {
    if (!isSeq(seq) || tooLong(source) || tooLong(destination) || tooLong(epoch)) return UNTRACKED;
    const counter = this.#lanes.get(source)?.get(destination)?.counters.get(epoch);
    if (counter === undefined) return this.#start(this.#lane(source, destination), epoch, seq);
    return this.#judged(counter, () => counter.observe(seq, abandoned));
  }

  /**
   * Takes note of a sender's last number. A `gap` when numbers up to it did not come; `in-order` when all did, or
   * when nothing is known of that counter: what was sent before anybody listened is not missing, and its first
   * message is still to be told as `first` or `restart`.
   */
  observeLast({ source, epoch, destination, seq, abandoned = NO_RANGES }: LastGiven): Verdict {
    const counter = this.#lanes.get(source)?.get(destination)?.counters.get(epoch);
    if (counter === undefined || !isSeq(seq)) return IN_ORDER;
    return this.#judged(counter, () => counter.observeLast(seq, abandoned));
  }

  #judged(counter: TrackedCounter, judge: () => Verdict): Verdict {
    this.#recent.delete(counter);
    this.#recent.add(counter);
    const before = counter.missing;
    const verdict = judge();
    this.#missingTotal += counter.missing - before;
    return verdict;
  }

  #start(lane: Lane, epoch: string | undefined, seq: number): Verdict {
    const known = lane.newestEpoch;
    const newer = epoch !== undefined && (known === undefined || epoch > known) && this.#mayBeNewest(epoch);
    if (newer) lane.newestEpoch = epoch;

    const counter = new TrackedCounter(lane, epoch, this.#window, seq);
    lane.counters.set(epoch, counter);
    this.#recent.add(counter);
    for (const oldest of this.#recent) {
      if (this.#recent.size <= this.#maxCounters) break;
      this.#forget(oldest);
    }
    return newer && known !== undefined ? RESTART : FIRST;
  }

  #lane(source: string, destination: string): Lane {
    const lanes = this.#lanes.get(source) ?? new Map<string, Lane>();
    const lane = lanes.get(destination) ?? { source, destination, counters: new Map(), newestEpoch: undefined };
    this.#lanes.set(source, lanes);
    lanes.set(destination, lane);
    return lane;
  }

  #forget(counter: TrackedCounter): void {
    const { lane, epoch } = counter;
    this.#recent.delete(counter);
    lane.counters.delete(epoch);
    if (lane.counters.size > 0) return;
    const lanes = this.#lanes.get(lane.source);
    lanes?.delete(lane.destination);
    if (lanes?.size === 0) this.#lanes.delete(lane.source);
  }
}

function tooLong(name: string | undefined): boolean {
  return name !== undefined && name.length > MAX_NAME_LENGTH;
}
