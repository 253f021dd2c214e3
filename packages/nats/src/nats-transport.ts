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
import { BusError, checkedPattern, checkedSubject, checkGroup, printable, toName } from '@terabus/core/transport';
import { Connection } from './connection.js';
import { closedError } from './errors.js';
import { encodeHeaders } from './headers.js';
import { Inbounds } from './inbounds.js';
import { JetStream } from './jetstream/jetstream.js';
import { NatsKeyValue } from './jetstream/nats-key-value.js';
import { NatsStreams } from './jetstream/nats-streams.js';
import type { Dial } from './link.js';
import type { CheckedNatsOptions } from './options.js';
import type { WireMessage } from './outbox.js';
import type { Settle } from './replies.js';
import { refusedReply } from './reply-subjects.js';
import { Requests } from './requests.js';
import { rejectedAfterTurn } from './turn.js';
import { within } from './within.js';

/** {@link Transport} over NATS: topics as subjects, answers by number, over a connection that comes back by itself. */
export class NatsTransport implements Transport {
  readonly kind = 'nats';
  /** A link is dialled again for ever: only `close` ends a transport. */
  readonly closed: Promise<BusError | undefined>;

  readonly #options: CheckedNatsOptions;
  readonly #connection: Connection;
  readonly #inbounds: Inbounds;
  readonly #requests: Requests;
  /** At a place of their own: whoever is called sees where answers to its caller go, and could acknowledge what it stores. */
  readonly #storeRequests: Requests;
  /** For those who make streams. */
  readonly jetStream: JetStream;
  readonly streams: Streams;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #ending: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};
  #last: { readonly topic: string; readonly subject: string } | undefined;

  private constructor(options: CheckedNatsOptions, dial: Dial) {
    this.#options = options;
    const emit = (event: TransportEvent) => this.#emit(event);
    this.#inbounds = new Inbounds(options, emit);
    this.#connection = new Connection(options, dial, {
      emit,
      lost: (error) => {
        this.#settleAll(error);
        this.jetStream.lost();
      },
      attached: () => this.jetStream.attached(),
    });
    this.#requests = new Requests(options, this.#connection, this.#inbounds, emit);
    this.#storeRequests = new Requests(options, this.#connection, this.#inbounds, emit);
    this.jetStream = new JetStream(options, this.#connection, this.#storeRequests, emit);
    this.streams = new NatsStreams(this.jetStream);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = () => resolve(undefined);
    });
  }

  /** @throws BusError when there is no first link */
  static async connect(options: CheckedNatsOptions, dial: Dial): Promise<NatsTransport> {
    const transport = new NatsTransport(options, dial);
    await transport.#connection.open();
    return transport;
  }

  get maxPayloadBytes(): number {
    return this.#connection.outbox.maxPayloadBytes;
  }

  // Without `async`: most publishes resolve at once, and an own promise for each would be most of what they cost.
  publish(message: Outbound, options?: TransportPublishOptions): Promise<void> {
    try {
      this.#checkOpen();
      const { topic, bytes, headers, onUnconfirmed } = message;
      return this.#connection.outbox.publish({
        subject: this.#subjectOf(topic),
        bytes,
        headers: encodeHeaders(headers),
        confirm: options?.confirm === true,
        onUnconfirmed,
      });
    } catch (error) {
      return rejectedAfterTurn(error);
    }
  }

  refused(): Promise<never> | undefined {
    return this.#connection.outbox.refused();
  }

  async subscribe(
    pattern: string,
    { group }: SubscribeOptions,
    deliver: (message: Inbound) => void,
  ): Promise<TransportSubscription> {
    this.#checkOpen();
    const { namespace } = this.#options;
    const subject = checkedPattern(pattern, namespace);
    if (group !== undefined) checkGroup(group);
    const queue = group === undefined ? undefined : toName(group, namespace);
    const inbound = this.#inbounds.of(pattern);
    const subscribed = this.#connection.subscriptions.add(subject, queue, (raw) => {
      const message = inbound(raw);
      if (message) deliver(message);
    });
    await subscribed.ready;
    let drained: Promise<void> | undefined;
    return {
      drain: () => {
        drained ??= subscribed.drain();
        return drained;
      },
    };
  }

  request({ topic, bytes, headers }: Outbound, settle: Settle): () => void {
    const wire = () => this.#wire(this.#subjectOf(topic), bytes, headers);
    return this.#requests.send(wire, topic, settle);
  }

  keyValue(bucket: string): KeyValue {
    return new NatsKeyValue(this.jetStream, bucket);
  }

  respond(replyTo: string, bytes: Uint8Array, headers?: Headers): Promise<void> {
    const { namespace, replyTo: answered } = this.#options;
    // Checked again: it is a string, and may have come from anywhere.
    if (refusedReply(replyTo, namespace, answered)) {
      return rejectedAfterTurn(
        new BusError(`no answer is sent to ${printable(replyTo)}: it is not the shape of a reply subject`, {
          reason: 'TERABUS_REPLY_REFUSED',
        }),
      );
    }
    try {
      return this.#connection.outbox.answer(this.#wire(replyTo, bytes, headers));
    } catch (error) {
      return rejectedAfterTurn(error);
    }
  }

  async prepareRequests(): Promise<void> {
    this.#checkOpen();
    await this.#requests.listen();
  }

  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#connection.outbox.flush();
  }

  health(): TransportHealth {
    const { state, problems, roundTripMs, unconfirmed, outbox } = this.#connection;
    return { state, problems, roundTripMs, unconfirmed, waiting: outbox.waiting };
  }

  watch(listener: (event: TransportEvent) => void): () => void {
    // One of its own: the same function may watch twice.
    const one = (event: TransportEvent) => listener(event);
    this.#listeners.add(one);
    return () => this.#listeners.delete(one);
  }

  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options;
    const { subscriptions, outbox } = this.#connection;
    this.#settleAll(closedError());
    this.jetStream.close();
    const sent = subscriptions.drainAll().then(() => outbox.flush());
    // A server that is gone confirms nothing.
    await within(clock, closeTimeoutMs, sent).catch(() => {});
    this.#connection.close();
    this.#resolveClosed();
  }

  /** Of many messages in a row the topic is the same. @throws BusError */
  #subjectOf(topic: string): string {
    if (this.#last === undefined || this.#last.topic !== topic) {
      this.#last = { topic, subject: checkedSubject(topic, this.#options.namespace) };
    }
    return this.#last.subject;
  }

  #settleAll(error: BusError): void {
    for (const requests of [this.#requests, this.#storeRequests]) requests.settleAll(error);
  }

  #wire(subject: string, bytes: Uint8Array, headers: Headers | undefined): WireMessage {
    this.#checkOpen();
    return { subject, bytes, headers: encodeHeaders(headers) };
  }

  #checkOpen(): void {
    if (this.#ending) throw closedError();
  }

  #emit(event: TransportEvent): void {
    for (const listener of this.#listeners) {
      try {
        const result: unknown = listener(event);
        // The type says void, which an async function fits too: its rejection must not end the process.
        if (result instanceof Promise) result.catch(() => undefined);
      } catch {
        // Whoever listens for errors can't be told about its own.
      }
    }
  }
}
