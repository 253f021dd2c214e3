import { setMaxListeners } from 'node:events';

/** Where a host is in its life. It only ever goes forward. */
export type LifecycleState = 'starting' | 'running' | 'draining' | 'stopped';

const ORDER: readonly LifecycleState[] = ['starting', 'running', 'draining', 'stopped'];

/** The state of a host, and the signal that ends with its work. */
export class Lifecycle {
  #state: LifecycleState = 'starting';
  readonly #controller = new AbortController();

  constructor() {
    // Services listen as they like; by default Node takes the eleventh listener for a leak, and says so.
    setMaxListeners(0, this.#controller.signal);
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Aborts when the drain begins. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Goes to a later state; going back, or staying, does nothing and is false. */
  advance(to: LifecycleState): boolean {
    if (ORDER.indexOf(to) <= ORDER.indexOf(this.#state)) return false;
    this.#state = to;
    if (to !== 'running') this.#controller.abort();
    return true;
  }
}
