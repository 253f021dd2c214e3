import type { Clock } from '@terabus/core';

/** A wait that can be ended, also in advance: an end that comes while nobody waits ends the next wait at once. */
export class Pause {
  readonly #clock: Clock;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async begin(ms: number): Promise<void> {
    if (!this.#ended) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.setTimer(ms, resolve);
        this.#wake = () => {
          timer.cancel();
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#ended = false;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}
