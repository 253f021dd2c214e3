import { BusError } from '@terabus/messages';
import type { Clock } from '../transport/clock.js';
import { deferred } from './deferred.js';

/** What the tasks of a service are run by. */
export interface TasksParts {
  /** The class, for sentences. */
  readonly name: string;
  readonly clock: Clock;
  /** Ends them. */
  readonly signal: AbortSignal;
  /** Whether the instance is the one that works. */
  readonly active: () => boolean;
  /** Runs a task and logs what it throws. */
  readonly calmly: (run: () => unknown) => Promise<void>;
}

/** What a service does by itself: the tasks of `every`, and what it does under a lease. */
export class Tasks {
  readonly #parts: TasksParts;
  readonly #running = new Set<Promise<void>>();

  constructor(parts: TasksParts) {
    this.#parts = parts;
  }

  get running(): number {
    return this.#running.size;
  }

  every(intervalMs: number, task: () => unknown): void {
    const { name, clock, signal, active, calmly } = this.#parts;
    if (!(intervalMs >= 1)) {
      throw new BusError(`${name}.every takes an interval of at least 1 ms, not ${intervalMs}`, {
        reason: 'TERABUS_SERVICE_INVALID',
      });
    }
    const schedule = () => {
      if (signal.aborted) return;
      const timer = clock.setTimer(intervalMs, () => {
        signal.removeEventListener('abort', cancel);
        if (!active()) {
          schedule();
          return;
        }
        const running = calmly(task).then(() => {
          this.#running.delete(running);
          schedule();
        });
        this.#running.add(running);
      });
      const cancel = () => timer.cancel();
      signal.addEventListener('abort', cancel, { once: true });
    };
    schedule();
  }

  /** Runs something that is waited for at the end. */
  async run<T>(task: () => T | Promise<T>): Promise<T> {
    const ending = deferred<void>();
    this.#running.add(ending.promise);
    try {
      return await task();
    } finally {
      this.#running.delete(ending.promise);
      ending.resolve();
    }
  }

  /** Resolves when those that run now have ended. */
  async finished(): Promise<void> {
    await Promise.all(this.#running);
  }
}
