import type {
  Headers,
  Inbound,
  KeyValue,
  Outbound,
  Streams,
  SubscribeOptions,
  Transport,
  TransportEvent,
  TransportHealth,
  TransportPublishOptions,
  TransportSubscription,
} from '@terabus/core/transport';
import { fromSubject } from '@terabus/core/transport';
import type { BusError } from '@terabus/messages';

/** What was handed to a connection, as it went on the wire. */
export interface Wired {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
}

/** Told of what crosses a connection. */
export interface Tap {
  /** A message was published: not a request, not an answer. */
  readonly published?: (message: Wired) => void;
  /** Anything crossed, in either direction. */
  readonly moved: () => void;
}

/**
 * A transport that tells a {@link Tap} what crosses it. It is the same port, so it stands around every transport and
 * no host knows of it. It subscribes to nothing: a listener on `>` would make a responder of everybody.
 */
export class TappedTransport implements Transport {
  readonly #inner: Transport;
  readonly #tap: Tap;

  constructor(inner: Transport, tap: Tap) {
    this.#inner = inner;
    this.#tap = tap;
  }

  get kind(): string {
    return this.#inner.kind;
  }
  get maxPayloadBytes(): number {
    return this.#inner.maxPayloadBytes;
  }
  get streams(): Streams {
    const { streams } = this.#inner;
    const { published, moved } = this.#tap;
    return {
      store: async (message, timeoutMs) => {
        const { subject, bytes, headers } = message;
        const copy = { bytes: new Uint8Array(bytes), headers: new Map(headers) };
        const stored = await streams.store(message, timeoutMs);
        // What begins so is Terabus' own: tries and dead letters.
        if (!subject.startsWith('_')) published?.({ topic: fromSubject(subject), ...copy });
        moved();
        return stored;
      },
      consume: (options, deliver) =>
        streams.consume(options, (delivery) => {
          moved();
          deliver(delivery);
        }),
      consumerState: (...place) => streams.consumerState(...place),
      streamState: (stream) => streams.streamState(stream),
      read: (stream, query) => streams.read(stream, query),
      subjects: (stream, pattern) => streams.subjects(stream, pattern),
      purge: (stream, what) => streams.purge(stream, what),
      expect: (plan) => streams.expect(plan),
    };
  }
  get closed(): Promise<BusError | undefined> {
    return this.#inner.closed;
  }

  async publish(message: Outbound, options?: TransportPublishOptions): Promise<void> {
    const wired = { topic: message.topic, bytes: new Uint8Array(message.bytes), headers: new Map(message.headers) };
    await this.#inner.publish(message, options);
    this.#tap.published?.(wired);
    this.#tap.moved();
  }

  subscribe(
    pattern: string,
    options: SubscribeOptions,
    deliver: (message: Inbound) => void,
  ): Promise<TransportSubscription> {
    return this.#inner.subscribe(pattern, options, (message) => {
      this.#tap.moved();
      deliver(message);
    });
  }

  request(message: Outbound, settle: (answer: Inbound | BusError) => void): () => void {
    this.#tap.moved();
    return this.#inner.request(message, (answer) => {
      this.#tap.moved();
      settle(answer);
    });
  }

  async respond(replyTo: string, bytes: Uint8Array, headers?: Headers): Promise<void> {
    await this.#inner.respond(replyTo, bytes, headers);
    this.#tap.moved();
  }

  keyValue(bucket: string): KeyValue {
    return this.#inner.keyValue(bucket);
  }

  refused(): Promise<never> | undefined {
    return this.#inner.refused();
  }

  prepareRequests(): Promise<void> {
    return this.#inner.prepareRequests();
  }

  flush(): Promise<void> {
    return this.#inner.flush();
  }

  health(): TransportHealth {
    return this.#inner.health();
  }

  watch(listener: (event: TransportEvent) => void): () => void {
    return this.#inner.watch(listener);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
