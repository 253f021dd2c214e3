/**
 * What the broker has still to hand over, in the order in which it was published. The event loop turns between
 * `push` and the delivery, so that nothing is ever delivered inside the call that caused it.
 */
export class DeliveryQueue {
  readonly #onError: (error: unknown) => void;
  #deliveries: (() => void)[] = [];

  /** `onError` gets what a delivery throws; the ones behind it are made all the same. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get busy(): boolean {
    return this.#deliveries.length > 0;
  }

  push(delivery: () => void): void {
    if (this.#deliveries.push(delivery) === 1) setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    const deliveries = this.#deliveries;
    this.#deliveries = [];
    for (const deliver of deliveries) {
      try {
        deliver();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
