import { BusError } from '@terabus/messages';
import { toName } from '../../topics/name.js';
import { checkedPattern } from '../../topics/namespace.js';
import { compilePattern } from '../../topics/pattern.js';
import { printable } from '../../topics/printable.js';
import { checkGroup } from '../group.js';
import type { Headers, Inbound, Outbound, SubscribeOptions, Transport, TransportSubscription } from '../transport.js';
import type { TransportHealth } from '../transport-health.js';
import type { Exchange } from './exchange.js';
import { MemorySubscription } from './memory-subscription.js';

interface PendingRequest {
  readonly topic: string;
  readonly settle: (answer: Inbound | BusError) => void;
}

/** One connection to a {@link MemoryBroker}. */
export class MemoryTransport implements Transport {
  readonly kind = 'memory';
  readonly closed: Promise<BusError | undefined>;
  readonly #exchange: Exchange;
  readonly #name: string;
  readonly #inbox: string;
  readonly #subscriptions = new Set<MemorySubscription>();
  readonly #requests = new Map<number, PendingRequest>();
  #requestCount = 0;
  #ended = false;
  #resolveClosed: (reason: BusError | undefined) => void = () => {};

  /** `id` tells the connections of one broker apart, also those of one name. */
  constructor(exchange: Exchange, name: string, id: number) {
    this.#exchange = exchange;
    this.#name = name;
    this.#inbox = `_REPLY.${toName(name)}.${id}`;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    exchange.inboxes.set(this.#inbox, (n, answer) => this.#answer(n, answer));
  }

  get maxPayloadBytes(): number {
    return this.#exchange.maxPayloadBytes;
  }

  async publish(message: Outbound): Promise<void> {
    this.#checkOpen();
    this.#exchange.carry(this.#name, message);
  }

  async subscribe(
    pattern: string,
    { group }: SubscribeOptions,
    deliver: (message: Inbound) => void,
  ): Promise<TransportSubscription> {
    this.#checkOpen();
    checkedPattern(pattern);
    if (group !== undefined) checkGroup(group);
    const subscription = new MemorySubscription(this.#exchange, compilePattern(pattern), group, deliver);
    this.#subscriptions.add(subscription);
    void subscription.drained.then(() => this.#subscriptions.delete(subscription));
    return subscription;
  }

  request(message: Outbound, settle: PendingRequest['settle']): () => void {
    this.#requestCount += 1;
    const n = this.#requestCount;
    this.#requests.set(n, { topic: message.topic, settle });
    try {
      this.#checkOpen();
      if (this.#exchange.carry(this.#name, message, `${this.#inbox}.${n}`) === 0) {
        throw new BusError(`nobody subscribes to ${printable(message.topic)}`, {
          reason: 'TERABUS_NO_RESPONDERS',
          details: { topic: message.topic },
        });
      }
    } catch (error) {
      this.#settleSoon(n, BusError.from(error));
    }
    return () => this.#requests.delete(n);
  }

  async respond(replyTo: string, bytes: Uint8Array, headers?: Headers): Promise<void> {
    this.#checkOpen();
    this.#exchange.answer(this.#name, replyTo, bytes, headers);
  }

  async prepareRequests(): Promise<void> {
    this.#checkOpen();
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  health(): TransportHealth {
    return {
      state: this.#ended ? 'closed' : 'up',
      problems: this.#ended ? [closedError()] : [],
      roundTripMs: undefined,
      unconfirmed: NOTHING,
      waiting: NOTHING,
    };
  }

  /** Nothing happens to a link that is none. */
  watch(): () => void {
    return () => {};
  }

  close(): Promise<void> {
    this.#end(undefined, (subscription) => subscription.drain());
    return this.closed.then(() => {});
  }

  /** Ends the connection as a broken link would: what is queued for its subscriptions is lost. */
  abort(reason: BusError | undefined): void {
    this.#end(reason, (subscription) => subscription.cut());
  }

  #end(reason: BusError | undefined, endOne: (subscription: MemorySubscription) => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#exchange.inboxes.delete(this.#inbox);
    for (const subscription of this.#subscriptions) endOne(subscription);
    for (const n of this.#requests.keys()) this.#settleSoon(n, reason ?? closedError());
    // Behind all that is queued for this connection.
    this.#exchange.queue.push(() => this.#resolveClosed(reason));
  }

  /** The topic is that of the request: a reply subject would tell the caller nothing. */
  #answer(n: number, answer: Inbound): boolean {
    const request = this.#requests.get(n);
    if (request) this.#settleSoon(n, { ...answer, topic: request.topic });
    return request !== undefined;
  }

  #settleSoon(n: number, answer: Inbound | BusError): void {
    this.#exchange.queue.push(() => {
      const request = this.#requests.get(n);
      this.#requests.delete(n);
      request?.settle(answer);
    });
  }

  #checkOpen(): void {
    if (this.#ended) throw closedError();
  }
}

const NOTHING = Object.freeze({ messages: 0, bytes: 0 });

function closedError(): BusError {
  return new BusError('the connection to the memory broker is closed', { reason: 'TERABUS_CLOSED' });
}
