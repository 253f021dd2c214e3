import type { Timer } from '../transport/clock.js';
import type { GroupOptions, Job } from './job.js';

/** One job that holds a slot. */
export class Run {
  readonly job: Job;
  /** Its place among those that run. */
  slot: number;
  readonly #options: GroupOptions;
  readonly #release: (run: Run) => void;
  #timer: Timer | undefined;
  #begin = 0;
  /** Whether the job has been told how it ended. */
  #told = false;
  /** Whether the slot is given back. */
  #released = false;

  constructor(job: Job, options: GroupOptions, release: (run: Run) => void, slot: number) {
    this.job = job;
    this.slot = slot;
    this.#options = options;
    this.#release = release;
  }

  start(): void {
    const { clock } = this.#options;
    this.#begin = clock.elapsed();
    const timeLeftMs = this.job.timeLeftMs();
    if (timeLeftMs <= 0) {
      this.#tell(() => this.job.timedOut(0));
      this.#end();
      return;
    }
    try {
      const result = this.job.run();
      if (!isThenable(result)) {
        this.#succeeded(result);
        return;
      }
      this.#timer = clock.setTimer(timeLeftMs, () => this.#onTimeout());
      // Inside of the `try`: a promise may have a `constructor` or a `then` of its own, which throws here and now.
      Promise.resolve(result).then(
        (value) => this.#succeeded(value),
        (error) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  cutOff(): void {
    this.#tell(() => this.job.cutOff(true));
    this.#end();
  }

  #succeeded(result: unknown): void {
    this.#tell(() => this.job.succeeded(result, this.#durationMs()));
    this.#end();
  }

  #failed(error: unknown): void {
    this.#tell(() => this.job.failed(error, this.#durationMs()));
    this.#end();
  }

  #onTimeout(): void {
    this.#tell(() => this.job.timedOut(this.#durationMs()));
    this.#timer = this.#options.clock.setTimer(this.#options.abandonAfterMs, () => {
      this.#quietly(() => this.job.abandoned());
      this.#end();
    });
  }

  #durationMs(): number {
    return this.#options.clock.elapsed() - this.#begin;
  }

  #tell(how: () => void): void {
    if (this.#told) return;
    this.#told = true;
    this.#quietly(how);
  }

  /** What is told may throw: a log whose disk is full. Whom it would be reported to is what threw. */
  #quietly(how: () => void): void {
    try {
      how();
    } catch {
      // The slot is given back all the same, and the next message gets its turn.
    }
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
