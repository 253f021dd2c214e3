import type { Timer } from '../transport/clock.js';
import type { Deadlines } from '../transport/deadlines.js';
import type { GroupOptions, Job } from './job.js';

/** One job that holds a slot. When it is over, another one may have its turn in it. */
export class Run {
  job: Job;
  /** Its place among those that run. */
  slot: number;
  readonly #options: GroupOptions;
  readonly #deadlines: Deadlines;
  readonly #release: (run: Run) => void;
  #timer: Timer | undefined;
  #begin = 0;
  /** Whether the job has been told how it ended. */
  #told = false;
  /** Whether the slot is given back. */
  #released = false;
  /** Whether a promise may still tell how the job ended. */
  #isPromised = false;

  constructor(job: Job, options: GroupOptions, deadlines: Deadlines, release: (run: Run) => void, slot: number) {
    this.job = job;
    this.#deadlines = deadlines;
    this.slot = slot;
    this.#options = options;
    this.#release = release;
  }

  /**
   * Whether nothing of it is left: no timer, and no promise that will tell how it ended. One with a `then` of its own may
   * tell it at once, and again when another job has its turn.
   */
  get isOver(): boolean {
    return this.#released && !this.#isPromised;
  }

  /** Lets go of its job: a message is not kept until the next one comes. */
  forget(): void {
    (this as { job: Job | undefined }).job = undefined;
  }

  /** Takes the next job, where {@link isOver} was true as soon as it had started. */
  reuse(job: Job, slot: number): void {
    this.job = job;
    this.slot = slot;
    this.#timer = undefined;
    this.#told = false;
    this.#released = false;
    this.#isPromised = false;
  }

  /** Begins at this moment, on `clock.elapsed()`. Returns the one at which the caller goes on. */
  start(now: number): number {
    const { clock } = this.#options;
    this.#begin = now;
    const timeLeftMs = this.job.timeLeftMs(now);
    if (timeLeftMs <= 0) {
      this.#timedOut(0);
      this.#end();
      return now;
    }
    try {
      const result = this.job.run(now);
      if (!isThenable(result)) {
        const end = clock.elapsed();
        this.#succeeded(result, end - now);
        return end;
      }
      this.#isPromised = true;
      this.#timer = this.#deadlines.set(timeLeftMs, now, () => this.#onTimeout());
      // Inside of the `try`: a promise may have a `constructor` or a `then` of its own, which throws here and now.
      Promise.resolve(result).then(
        (value) => this.#succeeded(value, this.#durationMs()),
        (error) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
    return clock.elapsed();
  }

  cutOff(): void {
    if (this.#isFirst()) {
      try {
        this.job.cutOff(true);
      } catch {
        // See `#succeeded`.
      }
    }
    this.#end();
  }

  #succeeded(result: unknown, durationMs: number): void {
    if (this.#isFirst()) {
      try {
        this.job.succeeded(result, durationMs);
      } catch {
        // What is told may throw: a log whose disk is full. Whom it would be reported to is what threw. The slot is given back
        // all the same, and the next message gets its turn.
      }
    }
    this.#end();
  }

  #failed(error: unknown): void {
    if (this.#isFirst()) {
      try {
        this.job.failed(error, this.#durationMs());
      } catch {
        // See `#succeeded`.
      }
    }
    this.#end();
  }

  #timedOut(durationMs: number): void {
    if (!this.#isFirst()) return;
    try {
      this.job.timedOut(durationMs);
    } catch {
      // See `#succeeded`.
    }
  }

  #onTimeout(): void {
    this.#timedOut(this.#durationMs());
    this.#timer = this.#options.clock.setTimer(this.#options.abandonAfterMs, () => {
      try {
        this.job.abandoned();
      } catch {
        // See `#succeeded`.
      }
      this.#end();
    });
  }

  /** Whether the job has not been told how it ended. */
  #isFirst(): boolean {
    const isFirst = !this.#told;
    this.#told = true;
    return isFirst;
  }

  #durationMs(): number {
    return this.#options.clock.elapsed() - this.#begin;
  }

  #end(): void {
    if (this.#released) return;
    this.#released = true;
    this.#timer?.cancel();
    this.#release(this);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
