import { BusError } from '@terabus/messages';
import { toName } from '../../topics/name.js';
import { checkedPattern } from '../../topics/namespace.js';
import { printable } from '../../topics/printable.js';
import type { Clock } from '../clock.js';
import { checkGroup } from '../group.js';
import type { KeyValue } from '../key-value.js';
import type {
  Headers,
  Inbound,
  Outbound,
  SubscribeOptions,
  Transport,
  TransportPublishOptions,
  TransportSubscription,
} from '../transport.js';
import { HANDED_OVER } from '../transport.js';
import type { TransportEvent, TransportHealth } from '../transport-health.js';
import type { Exchange, Transit } from './exchange.js';
import { InTransit } from './in-transit.js';
import { MemoryStreams } from './memory-streams.js';
import { MemorySubscription } from './memory-subscription.js';
import { Watchers } from './watchers.js';

interface PendingRequest {
  readonly topic: string;
  readonly settle: (answer: Inbound | BusError) => void;
  /** Its link was lost: it is settled with this, whatever was on its way. */
  readonly failed?: BusError;
}

/** One connection to a {@link MemoryBroker}. */
export class MemoryTransport implements Transport {
  readonly kind = 'memory';
  readonly maxPayloadBytes: number;
  readonly streams: MemoryStreams;
  readonly closed: Promise<BusError | undefined>;
  /** As given to `connect`. */
  readonly name: string;
  readonly #exchange: Exchange;
  readonly clock: Clock;
  readonly #inbox: string;
  readonly #subscriptions = new Set<MemorySubscription>();
  readonly #requests = new Map<number, PendingRequest>();
  readonly #sent: InTransit;
  readonly #watchers = new Watchers();
  #requestCount = 0;
  /** Why the link is down, and since when. */
  #down: { readonly error: BusError; readonly sinceMs: number } | undefined;
  #ended = false;
  #resolveClosed: (reason: BusError | undefined) => void = () => {};

  /** `id` tells the connections of one broker apart, also those of one name. */
  constructor(exchange: Exchange, clock: Clock, name: string, id: number) {
    this.#exchange = exchange;
    this.maxPayloadBytes = exchange.maxPayloadBytes;
    this.clock = clock;
    this.name = name;
    this.#sent = new InTransit(exchange.queue);
    this.#inbox = `_REPLY.${toName(name)}.${id}`;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.streams = new MemoryStreams({
      name,
      exchange,
      refused: () => this.refused(),
      emit: (event) => this.#watchers.tell(event),
    });
    exchange.inboxes.set(this.#inbox, (n, answer, transit) => this.#answer(n, answer, transit));
  }

  keyValue(bucket: string): KeyValue {
    return this.streams.keyValue(bucket);
  }

  /** The server counts as having a message when the event loop has turned: until then the link can be lost. */
  publish(message: Outbound, options?: TransportPublishOptions): Promise<void> {
    const refused = this.refused();
    if (refused) return refused;
    try {
      if (options?.confirm === true) {
        return new Promise<void>((resolve, reject) => this.#publish(message, resolve, reject));
      }
      this.#publish(
        message,
        () => {},
        (error) => message.onUnconfirmed?.(error),
      );
      return HANDED_OVER;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  refused(): Promise<never> | undefined {
    const refusal = this.#refusal();
    // A turn later: whoever tries again at once must not keep the event loop from turning.
    return refusal && new Promise((_, reject) => this.#exchange.queue.push(() => reject(refusal)));
  }

  #publish(message: Outbound, confirmed: () => void, unconfirmed: (error: BusError) => void): void {
    this.#exchange.carry(this.name, message, (bytes) => this.#sent.add(bytes, unconfirmed));
    // Behind all who get it.
    this.#exchange.queue.push(confirmed);
  }

  async subscribe(
    pattern: string,
    { group }: SubscribeOptions,
    deliver: (message: Inbound) => void,
  ): Promise<TransportSubscription> {
    this.#checkOpen();
    checkedPattern(pattern);
    if (group !== undefined) checkGroup(group);
    const subscription = new MemorySubscription(this.#exchange, pattern, group, deliver);
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
      if (this.#exchange.carry(this.name, message, (bytes) => this.#sent.add(bytes), `${this.#inbox}.${n}`) === 0) {
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
    this.#exchange.answer(this.name, { replyTo, bytes, headers }, (size) => this.#sent.add(size));
  }

  async prepareRequests(): Promise<void> {
    this.#checkOpen();
  }

  async flush(): Promise<void> {
    this.#checkOpen();
    await new Promise<void>((resolve) => this.#exchange.queue.push(resolve));
    this.#checkOpen();
  }

  health(): TransportHealth {
    const problem = this.#ended ? closedError() : this.#down?.error;
    return {
      state: this.#ended ? 'closed' : this.#down === undefined ? 'up' : 'down',
      problems: [...(problem === undefined ? [] : [problem]), ...this.streams.problems],
      roundTripMs: undefined,
      unconfirmed: this.#sent.unconfirmed,
      waiting: NOTHING,
    };
  }

  watch(listener: (event: TransportEvent) => void): () => void {
    return this.#watchers.add(listener);
  }

  /** The link is lost until {@link restore}. */
  interrupt(error: BusError): void {
    if (this.#ended || this.#down !== undefined) return;
    this.#down = { error, sinceMs: this.clock.elapsed() };
    for (const subscription of this.#subscriptions) subscription.interrupt();
    this.streams.interrupt(error);
    for (const [n, request] of this.#requests) {
      this.#requests.set(n, { ...request, failed: error });
      this.#settleSoon(n, error);
    }
    this.#watchers.tell({ kind: 'disconnected', server: this.kind, error, unconfirmed: this.#sent.lose(error) });
  }

  /** The link is back, with all subscriptions. */
  restore(): void {
    if (this.#ended || this.#down === undefined) return;
    const downMs = this.clock.elapsed() - this.#down.sinceMs;
    this.#down = undefined;
    for (const subscription of this.#subscriptions) subscription.restore();
    this.#watchers.tell({ kind: 'reconnected', server: this.kind, downMs });
    this.streams.restore();
  }

  close(): Promise<void> {
    this.#end(undefined, (subscription) => subscription.drain());
    return this.closed.then(() => {});
  }

  /** Ends the connection as a broken link would: what is queued for its subscriptions is lost. */
  abort(reason: BusError | undefined): void {
    if (!this.#ended) {
      this.#sent.lose(reason ?? closedError());
      this.streams.interrupt(reason ?? closedError());
    }
    this.#end(reason, (subscription) => subscription.cut());
  }

  #end(reason: BusError | undefined, endOne: (subscription: MemorySubscription) => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#exchange.inboxes.delete(this.#inbox);
    for (const subscription of this.#subscriptions) endOne(subscription);
    this.streams.end();
    for (const n of this.#requests.keys()) this.#settleSoon(n, reason ?? closedError());
    // Behind all that is queued for this connection, and behind the answers to what it has asked.
    const { queue } = this.#exchange;
    queue.push(() =>
      queue.push(() => {
        this.streams.ended(closedError());
        this.#resolveClosed(reason);
      }),
    );
  }

  /** The topic is that of the request: a reply subject would tell the caller nothing. */
  #answer(n: number, answer: Inbound, transit: Transit): boolean {
    const request = this.#requests.get(n);
    if (request) this.#settleSoon(n, { ...answer, topic: request.topic }, transit);
    return request !== undefined;
  }

  #settleSoon(n: number, answer: Inbound | BusError, transit?: Transit): void {
    this.#exchange.queue.push(() => {
      if (transit?.lost === true) return;
      const request = this.#requests.get(n);
      this.#requests.delete(n);
      request?.settle(request.failed ?? answer);
    });
  }

  #refusal(): BusError | undefined {
    return this.#ended ? closedError() : this.#down?.error;
  }

  #checkOpen(): void {
    const refusal = this.#refusal();
    if (refusal) throw refusal;
  }
}

const NOTHING = Object.freeze({ messages: 0, bytes: 0 });

function closedError(): BusError {
  return new BusError('the connection to the memory broker is closed', { reason: 'TERABUS_CLOSED' });
}
