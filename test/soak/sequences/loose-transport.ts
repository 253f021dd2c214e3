import type { Headers, Inbound, Outbound, Transport } from '@terabus/core/transport';

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
  request(): () => void {
    throw new Error('nobody asks here');
  }
  async respond(_replyTo: string, _bytes: Uint8Array, _headers?: Headers) {}
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
