import type { Clock, Timer } from '../clock.js';
import { turnUntilQuiet } from './event-loop.js';

const START_MS = Date.UTC(2025, 0, 1);

/** No honest program sets this many timers for one and the same moment. */
const MOST_TIMERS_AT_ONCE = 10_000;

interface PendingTimer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Something whose queued work {@link VirtualClock.advance} lets finish before it moves time on. */
export interface Bustling {
  readonly busy: boolean;
}

/**
 * A {@link Clock} whose time moves only when a test says so. It starts on 2025-01-01T00:00:00Z, so that what is
 * written into messages is the same in every run.
 *
 * ```ts
 * const clock = new VirtualClock();
 * clock.setTimer(1_000, () => console.log('a second later'));
 * await clock.advance(1_000);
 * ```
 */
export class VirtualClock implements Clock {
  #elapsedMs = 0;
  /** The next one first; among those of one moment the one that was set first. */
  readonly #timers: PendingTimer[] = [];
  readonly #bustling: Bustling[] = [];
  #advances: Promise<void> = Promise.resolve();

  now(): number {
    return START_MS + Math.floor(this.#elapsedMs);
  }

  /** Milliseconds since this clock was made, with their fraction. It moves together with {@link now}. */
  elapsed(): number {
    return this.#elapsedMs;
  }

  /**
   * Calls `callback` from within {@link advance}, never from within this call, even when `delayMs` is 0. Throws a
   * `RangeError` for a negative delay and for NaN: the machine's clock would take them for 0 and hide the mistake.
   */
  setTimer(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`A timer's delay is 0 or more milliseconds, not ${delayMs}`);
    const timer = { dueMs: this.#elapsedMs + delayMs, callback };
    this.#timers.splice(this.#timers.findLastIndex(({ dueMs }) => dueMs <= timer.dueMs) + 1, 0, timer);
    return {
      cancel: () => {
        const index = this.#timers.indexOf(timer);
        if (index !== -1) this.#timers.splice(index, 1);
      },
    };
  }

  /** How many timers wait to be called: for tests that want to see nothing left behind. */
  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** In how many milliseconds each of the timers that wait comes due, the next first. */
  get pendingDelaysMs(): readonly number[] {
    return this.#timers.map(({ dueMs }) => dueMs - this.#elapsedMs);
  }

  /**
   * Moves time on by `ms` milliseconds (0 or more) and calls the timers that come due on the way, in order of time,
   * each at its own time; those of one moment in the order in which they were set. Timers that are set on the way
   * count. Before the first and after each of them the event loop turns until no broker on this clock has anything to
   * deliver. Handlers are not waited for: one that waits for a later moment would otherwise stop time for good.
   *
   * A call that begins while another is under way comes after it. Rejects with what a timer's callback throws, and
   * with an `Error` when timers or messages bring forth new ones without end; time then stays where that happened.
   */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) {
      return Promise.reject(new RangeError(`Time moves on by 0 or more milliseconds, not by ${ms}`));
    }
    const advance = this.#advances.then(() => this.#advance(ms));
    this.#advances = advance.catch(() => {});
    return advance;
  }

  /** Makes {@link advance} wait while `bustling` has something to deliver. A memory broker does this for itself. */
  waitFor(bustling: Bustling): void {
    this.#bustling.push(bustling);
  }

  async #advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    let timersAtOnce = 0;
    await this.#quiet();
    for (let timer = this.#takeDue(endMs); timer; timer = this.#takeDue(endMs)) {
      timersAtOnce = timer.dueMs > this.#elapsedMs ? 1 : timersAtOnce + 1;
      if (timersAtOnce > MOST_TIMERS_AT_ONCE) {
        throw new Error(
          `More than ${MOST_TIMERS_AT_ONCE} timers came due at ${this.#elapsedMs} ms: ` +
            'some timer sets itself again without a delay',
        );
      }
      this.#elapsedMs = timer.dueMs;
      timer.callback();
      await this.#quiet();
    }
    this.#elapsedMs = endMs;
  }

  #takeDue(endMs: number): PendingTimer | undefined {
    const next = this.#timers[0];
    return next && next.dueMs <= endMs ? this.#timers.shift() : undefined;
  }

  #quiet(): Promise<void> {
    return turnUntilQuiet(() => this.#bustling.some(({ busy }) => busy));
  }
}
