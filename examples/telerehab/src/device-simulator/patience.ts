import type { Clock } from '@terabus/core';
import { BusError } from '@terabus/core';

/** How long anything on the bus may take before the scenario gives up. */
const PATIENCE_MS = 5_000;

/** Waits until something is so: whoever changes anything calls `look`. */
export class Patience {
  readonly #waiting = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  look(): void {
    for (const check of this.#waiting) check();
  }

  /** @param what completes the sentence «waited in vain until …» */
  until(what: string, isSo: () => boolean): Promise<void> {
    return this.#wait(PATIENCE_MS, isSo, () => {
      throw new BusError(`waited in vain until ${what}`, { code: 'DEADLINE_EXCEEDED' });
    });
  }

  pause(milliseconds: number): Promise<void> {
    return this.#wait(
      milliseconds,
      () => false,
      () => {},
    );
  }

  #wait(milliseconds: number, isSo: () => boolean, timeIsUp: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => {
        timer.cancel();
        this.#waiting.delete(check);
        this.signal.removeEventListener('abort', abort);
        try {
          how();
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      const check = () => {
        if (isSo()) settle(() => {});
      };
      const abort = () =>
        settle(() => {
          throw new BusError('the scenario was stopped', { code: 'CANCELLED' });
        });
      const timer = this.clock.setTimer(milliseconds, () => settle(timeIsUp));
      this.#waiting.add(check);
      this.signal.addEventListener('abort', abort, { once: true });
      if (this.signal.aborted) abort();
      else check();
    });
  }
}
