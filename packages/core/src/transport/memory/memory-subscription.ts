import { topicFor } from '../../topics/own.js';
import { compilePattern } from '../../topics/pattern.js';
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
  /** Grows with each loss of the link: what was queued before is lost. */
  #losses = 0;
  #resolveDrained = () => {};

  constructor(exchange: Exchange, pattern: string, group: string | undefined, deliver: (message: Inbound) => void) {
    const matches = compilePattern(pattern);
    // `>` does not get what is Terabus' own.
    this.matches = (subject) => matches(subject) && topicFor(pattern, subject) !== undefined;
    this.group = group;
    this.drained = new Promise((resolve) => {
      this.#resolveDrained = resolve;
    });
    this.#exchange = exchange;
    this.#deliver = deliver;
    exchange.subscriptions.add(this);
  }

  taker(): (message: Inbound) => void {
    const losses = this.#losses;
    return (message) => {
      if (this.#losses === losses) this.#deliver(message);
    };
  }

  /** The link is lost: what is queued for it is lost, and nothing more comes. */
  interrupt(): void {
    this.#losses += 1;
    this.#exchange.subscriptions.remove(this);
  }

  /** The link is back. */
  restore(): void {
    if (!this.#draining) this.#exchange.subscriptions.add(this);
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
    this.#losses += 1;
    void this.drain();
  }
}
