/**
 * When jobs have run in a row for so long, sockets and timers get their turn. A turn of the event loop may bring a
 * thousand messages: handlers that need next to no time have to get through them in one, or the queue would fill up.
 */
const TURN_MS = 5;

/** At most so many jobs in a row, also where time stands still: as many as wait by default. */
const JOBS_PER_TURN = 4_096;

/**
 * How many jobs start before the event loop turns, counted over all that starts them: handlers that end without waiting
 * for anything real bring the next one at once.
 */
export class Turn {
  readonly #resume: () => void;
  /** Since the event loop turned. */
  #jobs = 0;
  /** When the first of them was, on `clock.elapsed()`. */
  #began = 0;
  /** Whether there was one. */
  #isOn = false;
  #isAwaited = false;

  /** `resume` is called when the event loop has turned, where {@link takes} said no. */
  constructor(resume: () => void) {
    this.#resume = resume;
  }

  /** Whether one more job may start: now, on `clock.elapsed()`. */
  takes(now: number): boolean {
    if (!this.#isOn) this.#begin(now);
    else if (this.#jobs >= JOBS_PER_TURN || now - this.#began >= TURN_MS) {
      this.#isAwaited = true;
      return false;
    }
    this.#jobs += 1;
    return true;
  }

  #begin(now: number): void {
    this.#isOn = true;
    this.#jobs = 0;
    this.#began = now;
    setImmediate(() => {
      this.#isOn = false;
      if (!this.#isAwaited) return;
      this.#isAwaited = false;
      this.#resume();
    });
  }
}
