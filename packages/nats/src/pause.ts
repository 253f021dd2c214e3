import type { Clock, Timer } from '@terabus/core/transport';

/** Waits, one at a time, until they are over or ended for good. */
export class Pause {
  readonly #clock: Clock;
  #waiting: { readonly timer: Timer; readonly resolve: () => void } | undefined;
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wait(delayMs: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { timer: this.#clock.setTimer(Math.max(0, delayMs), resolve), resolve };
    });
  }

  /** Ends the wait, and all later ones at once. */
  end(): void {
    this.#ended = true;
    this.#waiting?.timer.cancel();
    this.#waiting?.resolve();
  }
}
