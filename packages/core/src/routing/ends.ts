import type { Job } from './job.js';

/** Those who wait for the end of some jobs. */
export class Ends {
  readonly #waiters = new Set<{ readonly left: Set<Job>; readonly resolve: () => void }>();

  /** Resolves when all of these have ended. */
  of(jobs: Iterable<Job>): Promise<void> {
    const left = new Set(jobs);
    if (left.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.add({ left, resolve }));
  }

  ended(job: Job): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (!waiter.left.delete(job) || waiter.left.size > 0) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Whatever somebody waits for. */
  allEnded(): void {
    for (const { resolve } of this.#waiters) resolve();
    this.#waiters.clear();
  }
}
