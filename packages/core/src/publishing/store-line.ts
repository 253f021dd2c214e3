import { BusError } from '@terabus/messages';
import { Queue } from '../routing/queue.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { Stored } from '../transport/streams.js';
import { canBeTriedAgain, type Storing, Waiting } from './storing.js';

/** What the lines of a publisher share. */
export interface StoreLineParts {
  readonly clock: Clock;
  /** One attempt. */
  readonly store: (storing: Storing, timeoutMs: number) => Promise<Stored>;
  /** From 0 up to 1, for the length of the waits. */
  readonly random: () => number;
  /** It has something to send: somebody is to call {@link StoreLine.send} when there is room on the wire. */
  readonly ready: (line: StoreLine) => void;
  /** So many bytes of one message left the wire. */
  readonly landed: (bytes: number) => void;
  /** Nothing is left. */
  readonly empty: () => void;
}

/**
 * How long one attempt may take, in milliseconds. A server that dies takes its link along, which ends it at once; this is for
 * a stream whose leader died elsewhere, and for answers that were lost.
 */
const ATTEMPT_MS = 3_000;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
/** A link that is back is used within this: not by all publishers of a server at the same moment. */
const WAKE_MS = 100;
/** On the way at a time. A change of leaders may invert as many, and no more. */
const WINDOW = 256;

/**
 * What is to be stored on one topic, in order. Many are on their way at a time, which a link and a stream keep in order.
 * When one of them fails, nothing is sent any more until all that are on their way have settled; then the first that
 * is not stored is tried alone, and when it is, the others go on behind it, in their order.
 */
export class StoreLine {
  readonly #parts: StoreLineParts;
  readonly #onTheWay = new Set<Waiting>();
  /** Those that failed and are tried again, in order. All of them come before those that were never sent. */
  #again: Waiting[] = [];
  readonly #fresh = new Queue<Waiting>();
  #count = 0;
  #open = 0;
  /** Why nothing can be stored, since an attempt failed: one is tried at a time, and not before `#pause` is over. */
  #failed: BusError | undefined;
  /** That one. */
  #probe: Waiting | undefined;
  #failures = 0;
  #pause: Timer | undefined;
  /** When it is over, on `clock.elapsed()`. */
  #pauseEnds = 0;

  constructor(parts: StoreLineParts) {
    this.#parts = parts;
  }

  add(storing: Storing): Promise<Stored> {
    this.#count += 1;
    this.#open += 1;
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(this.#count, storing, resolve, reject);
      // Also for what is sent at once: whatever becomes of an attempt, nobody is answered behind a deadline.
      waiting.timer = this.#parts.clock.setTimer(Math.max(0, this.#leftMs(waiting)), () => {
        this.#giveUp(waiting, this.#failed);
        this.#offer();
      });
      this.#fresh.push(waiting);
      this.#offer();
    });
  }

  /** Sends the next one, if there is one that may be sent now; says how many bytes went on the wire. */
  send(): number | undefined {
    const next = this.#mayBeSent();
    if (next === undefined) return undefined;
    if (next === this.#again[0]) this.#again.shift();
    else this.#fresh.shift();
    this.#onTheWay.add(next);
    if (this.#failed !== undefined) this.#probe = next;
    next.begin();
    const leftMs = Math.max(1, Math.ceil(this.#leftMs(next)));
    this.#parts.store(next.storing, Math.min(ATTEMPT_MS, leftMs)).then(
      (stored) => this.#stored(next, stored),
      (error: unknown) => this.#refused(next, BusError.from(error)),
    );
    this.#offer();
    return next.storing.size;
  }

  /** The link is back: what waits for another try is tried soon, and if that fails the waits begin anew. */
  wake(): void {
    this.#failures = 0;
    if (this.#pause === undefined) return;
    const soonMs = WAKE_MS * this.#parts.random();
    if (this.#parts.clock.elapsed() + soonMs < this.#pauseEnds) this.#rest(soonMs);
  }

  /** Nothing can be stored any more. */
  close(error: BusError): void {
    for (const waiting of [...this.#onTheWay, ...this.#again, ...this.#fresh]) this.#giveUp(waiting, error);
    this.#onTheWay.clear();
    this.#offer();
  }

  #offer(): void {
    if (this.#open === 0) this.#end();
    else if (this.#mayBeSent() !== undefined) this.#parts.ready(this);
  }

  /** What was given up on its way is waited for: nothing else of its topic may go beside it. */
  #end(): void {
    if (this.#onTheWay.size > 0) return;
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#parts.empty();
  }

  #mayBeSent(): Waiting | undefined {
    if (this.#pause !== undefined) return undefined;
    const window = this.#failed === undefined ? WINDOW : 1;
    if (this.#onTheWay.size >= window) return undefined;
    const next = this.#next();
    if (next === undefined || this.#onTheWay.size === 0) return next;
    const [first] = this.#onTheWay;
    return next.storing.ordered || first?.storing.ordered ? undefined : next;
  }

  /** The first that has not been given up. */
  #next(): Waiting | undefined {
    while (this.#again[0]?.settled) this.#again.shift();
    if (this.#again[0] !== undefined) return this.#again[0];
    while (this.#fresh.first?.settled) this.#fresh.shift();
    return this.#fresh.first;
  }

  #stored(waiting: Waiting, stored: Stored): void {
    this.#onTheWay.delete(waiting);
    this.#answered(waiting);
    this.#settle(waiting, () => waiting.stored(stored));
    this.#landed(waiting);
  }

  #refused(waiting: Waiting, error: BusError): void {
    this.#onTheWay.delete(waiting);
    waiting.failed(error);
    if (!canBeTriedAgain(error)) {
      this.#answered(waiting);
      this.#giveUp(waiting, error);
    } else {
      this.#failed = error;
      if (this.#leftMs(waiting) <= 0) this.#giveUp(waiting, error);
      else if (!waiting.settled) {
        this.#again.push(waiting);
        this.#again.sort((one, other) => one.n - other.n);
      }
    }
    this.#landed(waiting);
  }

  /** Somebody is there. What was sent before another one failed says nothing of the time after it. */
  #answered(waiting: Waiting): void {
    if (waiting !== this.#probe) return;
    this.#probe = undefined;
    this.#failed = undefined;
    this.#failures = 0;
  }

  /** Who uses the room that it leaves may be this line, which has to know by then what became of it. */
  #landed(waiting: Waiting): void {
    this.#goOn();
    this.#parts.landed(waiting.storing.size);
  }

  #goOn(): void {
    if (this.#failed !== undefined && this.#onTheWay.size === 0 && this.#pause === undefined && this.#open > 0) {
      const longestMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 10));
      this.#failures += 1;
      // No two publishers come back at the same moment.
      this.#rest(longestMs * (0.5 + this.#parts.random() / 2));
      return;
    }
    this.#offer();
  }

  #rest(ms: number): void {
    const { clock } = this.#parts;
    this.#pause?.cancel();
    this.#pauseEnds = clock.elapsed() + ms;
    this.#pause = clock.setTimer(ms, () => {
      this.#pause = undefined;
      this.#offer();
    });
  }

  #giveUp(waiting: Waiting, error: BusError | undefined): void {
    this.#settle(waiting, () => waiting.giveUp(error));
  }

  #settle(waiting: Waiting, settle: () => void): void {
    if (waiting.settled) return;
    settle();
    this.#open -= 1;
  }

  #leftMs({ storing }: Waiting): number {
    return storing.deadline - this.#parts.clock.elapsed();
  }
}
