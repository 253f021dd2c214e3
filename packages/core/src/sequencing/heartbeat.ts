import type { Clock, Timer } from '../transport/clock.js';
import type { Sequencer, SequenceStamp } from './sequencer.js';

/** When a sender that has fallen silent repeats its last number, in milliseconds after its last message. */
export const HEARTBEATS_AFTER_MS = [500, 1_000, 2_000] as const;

/** What {@link Heartbeats} is made of. */
export interface HeartbeatsParts {
  readonly clock: Clock;
  readonly sequencer: Pick<Sequencer, 'last'>;
  /** Publishes a heartbeat. What becomes of it is nobody's concern: it is not tried again. */
  readonly publish: (stamp: SequenceStamp) => Promise<void>;
  /**
   * How many silent destinations are kept, 10,000 by default, as many as a sequencer counts. Beyond that the one
   * that has been silent longest gets no more heartbeats.
   */
  readonly maxDestinations?: number | undefined;
}

/** The end of what was sent to one destination. */
interface Tail {
  readonly destination: string;
  /** Messages that were begun to be published, and have neither been handed over nor rejected. */
  pending: number;
  /** Which of the heartbeats comes next. */
  stage: number;
  /** When the last message was settled, on `clock.elapsed()`. */
  silentSinceMs: number;
}

/**
 * Tells receivers the last number of each destination that a sender has fallen silent towards: 0.5, 1 and 2 s after
 * its last message, and at the end of the sender, so that the loss of the last messages is found too.
 *
 * A destination gets none while a message to it is on its way to the connection: that one might be rejected, and a
 * number that was named as the last and is abandoned later would have looked lost. Messages cost no timer: each
 * only notes its time, and one timer waits for the first that is due.
 */
export class Heartbeats {
  readonly #parts: HeartbeatsParts;
  readonly #maxDestinations: number;
  readonly #tails = new Map<string, Tail>();
  /** Those that wait for each of the heartbeats, the longest silent first: all of one stage wait equally long. */
  readonly #stages: readonly Set<Tail>[] = HEARTBEATS_AFTER_MS.map(() => new Set<Tail>());
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(parts: HeartbeatsParts) {
    this.#parts = parts;
    this.#maxDestinations = parts.maxDestinations ?? 10_000;
  }

  /** A message is about to be handed to the connection. {@link settled} follows. */
  began(destination: string): void {
    let tail = this.#tails.get(destination);
    if (tail === undefined) {
      if (this.#tails.size >= this.#maxDestinations) this.#forgetOne();
      tail = { destination, pending: 0, stage: 0, silentSinceMs: 0 };
      this.#tails.set(destination, tail);
    }
    this.#stages[tail.stage]?.delete(tail);
    tail.pending += 1;
  }

  /** A message was handed over, or rejected. */
  settled(destination: string): void {
    const tail = this.#tails.get(destination);
    if (tail === undefined) return;
    tail.pending -= 1;
    if (tail.pending > 0) return;
    if (this.#ended) {
      this.#tails.delete(destination);
      return;
    }
    tail.stage = 0;
    tail.silentSinceMs = this.#parts.clock.elapsed();
    this.#stages[0]?.add(tail);
    this.#wakeAt(dueMs(tail));
  }

  /**
   * A message that was handed over turned out unconfirmed: the link was lost, and with it maybe the heartbeats so far.
   */
  again(destination: string): void {
    this.began(destination);
    this.settled(destination);
  }

  /** Sends each destination that is still owed heartbeats its last one, and no more. Never rejects. */
  async end(): Promise<void> {
    const owed = this.#stages.flatMap((stage) => [...stage]);
    this.cancel();
    await Promise.all(owed.map(({ destination }) => this.#beat(destination)));
  }

  /** Ends it without a word: there is no connection any more. */
  cancel(): void {
    this.#ended = true;
    this.#timer?.cancel();
    for (const stage of this.#stages) {
      for (const { destination } of stage) this.#tails.delete(destination);
      stage.clear();
    }
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = atMs;
    // Timers may fire a little early.
    const delayMs = Math.max(0, Math.ceil(atMs - this.#parts.clock.elapsed()));
    this.#timer = this.#parts.clock.setTimer(delayMs, () => this.#beatDue());
  }

  #beatDue(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#parts.clock.elapsed();
    // From the last stage on, so that none gets two at once.
    for (const stage of this.#stages.toReversed()) {
      for (const tail of stage) {
        if (dueMs(tail) > nowMs) break;
        stage.delete(tail);
        void this.#beat(tail.destination);
        tail.stage += 1;
        const next = this.#stages[tail.stage];
        if (next === undefined) this.#tails.delete(tail.destination);
        else next.add(tail);
      }
    }
    for (const stage of this.#stages) {
      for (const first of stage) {
        this.#wakeAt(dueMs(first));
        break;
      }
    }
  }

  async #beat(destination: string): Promise<void> {
    const stamp = this.#parts.sequencer.last(destination);
    if (stamp === undefined) return;
    try {
      await this.#parts.publish(stamp);
    } catch {
      // The next message or heartbeat tells the same.
    }
  }

  #forgetOne(): void {
    for (const stage of this.#stages.toReversed()) {
      for (const oldest of stage) {
        stage.delete(oldest);
        this.#tails.delete(oldest.destination);
        return;
      }
    }
  }
}

const dueMs = ({ silentSinceMs, stage }: Tail): number => silentSinceMs + (HEARTBEATS_AFTER_MS[stage] ?? 0);
