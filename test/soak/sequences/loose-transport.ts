import type { Headers, Inbound, Outbound, Transport } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';

/** What a test of numbers needs of a transport: whoever holds it takes what is published, and delivers. */
export class LooseTransport implements Transport {
  readonly kind = 'loose';
  readonly maxPayloadBytes = 2 ** 20;
  readonly closed: Promise<undefined>;
  /** Takes what is published. May throw. */
  onPublish: (message: Outbound) => void = () => {};
  readonly #subscriptions = new Map<string, (message: Inbound) => void>();
  #end: () => void = () => {};

  constructor() {
    this.closed = new Promise((resolve) => {
      this.#end = () => resolve(undefined);
    });
  }

  get streams(): never {
    throw new Error('it stores nothing');
  }
  keyValue(): never {
    throw new Error('it stores nothing');
  }

  async publish(message: Outbound) {
    this.onPublish(message);
  }
  async subscribe(pattern: string, _options: unknown, deliver: (message: Inbound) => void) {
    this.#subscriptions.set(pattern, deliver);
    return { drain: async () => {} };
  }
  /** Gives a message to the subscription to its topic, which is plain text. */
  deliver(message: Inbound) {
    this.#subscriptions.get(message.topic)?.(message);
  }
  /** Nobody is there to answer. */
  request(_message: Outbound, settle: (answer: BusError) => void): () => void {
    const error = new BusError('nobody answers here', { reason: 'TERABUS_NO_RESPONDERS' });
    const soon = setImmediate(() => settle(error));
    return () => clearImmediate(soon);
  }
  async respond(_replyTo: string, _bytes: Uint8Array, _headers?: Headers) {}
  refused() {
    return undefined;
  }
  async prepareRequests() {}
  async flush() {}
  async close() {
    this.#end();
  }
  health() {
    const nothing = { messages: 0, bytes: 0 };
    return { state: 'up' as const, problems: [], roundTripMs: undefined, unconfirmed: nothing, waiting: nothing };
  }
  watch() {
    return () => {};
  }
}
