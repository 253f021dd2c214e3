import { deferred } from '../service/deferred.js';
import type { Clock, Timer } from '../transport/clock.js';

/** The instance to which an active one hands over, or has promised to. */
export class Heir {
  readonly id: string;
  readonly #active = deferred<void>();
  #isActive = false;
  readonly #timer: Timer;

  /** `onSilent` is called when it has been promised something, and does not come. */
  constructor(id: string, clock: Clock, standbyAfterMs: number, onSilent: () => void) {
    this.id = id;
    this.#timer = clock.setTimer(standbyAfterMs, onSilent);
  }

  /** Resolves when it handles what comes. */
  get active(): Promise<void> {
    return this.#active.promise;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  nowActive(): void {
    this.#isActive = true;
    this.#active.resolve();
  }
  /** It has come, or is waited for no more. */
  came(): void {
    this.#timer.cancel();
  }
}
