import type { Inbound, TransportSubscription } from '../transport.js';
import type { Exchange, Subscriber } from './exchange.js';

/** A running subscription of a {@link MemoryTransport}. */
export class MemorySubscription implements TransportSubscription, Subscriber {
  readonly matches: (subject: string) => boolean;
  readonly group: string | undefined;
  /** Resolves when nothing more is handed over. */
  readonly drained: Promise<void>;
  readonly #exchange: Exchange;
  readonly #deliver: (message: Inbound) => void;
  #draining = false;
  #cut = false;
  #resolveDrained = () => {};

  constructor(
    exchange: Exchange,
    matches: (subject: string) => boolean,
    group: string | undefined,
    deliver: (message: Inbound) => void,
  ) {
    this.matches = matches;
    this.group = group;
    this.drained = new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
    this.#exchange = exchange;
    this.#deliver = deliver;
    exchange.subscriptions.add(this);
  }

  take(message: Inbound): void {
    if (!this.#cut) this.#deliver(message);
  }

  drain(): Promise<void> {
    if (!this.#draining) {
      this.#draining = true;
      this.#exchange.subscriptions.remove(this);
      // Behind all that is queued for this subscription.
      this.#exchange.queue.push(this.#resolveDrained);
    }
    return this.drained;
  }

  /** Ends it with its connection: what is queued for it is lost. */
  cut(): void {
    this.#cut = true;
    void this.drain();
  }
}
