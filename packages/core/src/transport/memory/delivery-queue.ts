/** A server brings a connection about as many in one turn; those who handle them get their turn in between. */
const DELIVERIES_PER_TURN = 1_024;

/**
 * What the broker has still to hand over, in the order in which it was published. The event loop turns between
 * `push` and the delivery, so that nothing is ever delivered inside the call that caused it.
 */
export class DeliveryQueue {
  readonly #onError: (error: unknown) => void;
  #deliveries: (() => void)[] = [];
  #scheduled = false;

  /** `onError` gets what a delivery throws; the ones behind it are made all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get busy(): boolean {
    return this.#deliveries.length > 0;
  }

  push(delivery: () => void): void {
    this.#deliveries.push(delivery);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || !this.busy) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    const deliveries = this.#deliveries.slice(0, DELIVERIES_PER_TURN);
    this.#deliveries = this.#deliveries.slice(DELIVERIES_PER_TURN);
    this.#schedule();
    for (const deliver of deliveries) {
      try {
        deliver();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
