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
import type { Dial } from './link.js';
import type { CheckedNatsOptions } from './options.js';
import type { WireMessage } from './outbox.js';
import type { RawMessage } from './raw-message.js';
import type { Settle } from './replies.js';
import { Replies } from './replies.js';
import { newReplyPrefix, refusedReply } from './reply-subjects.js';
import type { Subscribed } from './subscriptions.js';
import { afterTurn, rejectedAfterTurn } from './turn.js';
import { within } from './within.js';

/** {@link Transport} over NATS: topics as subjects, answers by number, over a connection that comes back by itself. */
export class NatsTransport implements Transport {
  readonly kind = 'nats';
  /** A link is dialled again for ever: only `close` ends a transport. */
  readonly closed: Promise<BusError | undefined>;

  readonly #options: CheckedNatsOptions;
  readonly #connection: Connection;
  readonly #inbounds: Inbounds;
  readonly #replies = new Replies();
  readonly #replyPrefix: string;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #inbox: Subscribed | undefined;
  #ending: Promise<void> | undefined;
  #resolveClosed: () => void = () => {};

  get streams(): Streams {
    throw new Error('not built yet');
  }
  keyValue(): KeyValue {
    throw new Error('not built yet');
  }

  private constructor(options: CheckedNatsOptions, dial: Dial) {
    this.#options = options;
    this.#replyPrefix = newReplyPrefix(options.name, options.namespace);
    this.#inbounds = new Inbounds(options, (event) => this.#emit(event));
    this.#connection = new Connection(options, dial, {
      emit: (event) => this.#emit(event),
      lost: (error) => this.#replies.settleAll(error),
    });
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
      const { onUnconfirmed } = message;
      const wire = this.#wire(checkedSubject(message.topic, this.#options.namespace), message.bytes, message.headers);
      return this.#connection.outbox.publish({ ...wire, confirm: options?.confirm === true, onUnconfirmed });
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
    const subscribed = this.#connection.subscriptions.add(subject, queue, (raw) => {
      const message = this.#inbounds.message(raw, pattern);
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
    const key = this.#replies.add(topic, this.#guarded(settle));
    // Never inside this call: the caller has not got its way to cancel yet.
    const fail = (error: unknown) => afterTurn(() => this.#replies.settle(key, BusError.from(error)));
    try {
      const message = this.#wire(checkedSubject(topic, this.#options.namespace), bytes, headers);
      if (this.#connection.state === 'up') void this.#listenForReplies();
      this.#connection.outbox.request(message, `${this.#replyPrefix}${key}`, fail);
    } catch (error) {
      fail(error);
    }
    return () => this.#replies.forget(key);
  }

  async respond(replyTo: string, bytes: Uint8Array, headers?: Headers): Promise<void> {
    const { namespace, replyTo: answered } = this.#options;
    // Checked again: it is a string, and may have come from anywhere.
    if (refusedReply(replyTo, namespace, answered)) {
      throw new BusError(`no answer is sent to ${printable(replyTo)}: it is not the shape of a reply subject`, {
        reason: 'TERABUS_REPLY_REFUSED',
      });
    }
    await this.#connection.outbox.answer(this.#wire(replyTo, bytes, headers));
  }

  async prepareRequests(): Promise<void> {
    this.#checkOpen();
    await this.#listenForReplies();
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
    this.#replies.settleAll(closedError());
    const sent = subscriptions.drainAll().then(() => outbox.flush());
    // A server that is gone confirms nothing.
    await within(clock, closeTimeoutMs, sent).catch(() => {});
    this.#connection.close();
    this.#resolveClosed();
  }

  #wire(subject: string, bytes: Uint8Array, headers: Headers | undefined): WireMessage {
    this.#checkOpen();
    return { subject, bytes, headers: encodeHeaders(headers) };
  }

  #checkOpen(): void {
    if (this.#ending) throw closedError();
  }

  /** With the first request, so that a service that asks nobody needs no permission for it; anew once it was refused. */
  #listenForReplies(): Promise<void> {
    if (!this.#inbox) {
      const lost = (error: BusError) => {
        void this.#inbox?.drain();
        this.#inbox = undefined;
        this.#replies.settleAll(error);
      };
      this.#inbox = this.#connection.subscriptions.add(
        `${this.#replyPrefix}*`,
        undefined,
        (raw) => this.#onReply(raw),
        lost,
      );
      this.#inbox.ready.catch(lost);
    }
    return this.#inbox.ready;
  }

  #onReply(raw: RawMessage): void {
    const key = raw.subject.slice(this.#replyPrefix.length);
    const topic = this.#replies.topicOf(key);
    if (topic === undefined) return; // late
    this.#replies.settle(key, this.#inbounds.answer(raw, topic));
  }

  /** Whoever asked has its own code behind `settle`; one that throws must not take others along. */
  #guarded(settle: Settle): Settle {
    return (answer) => {
      try {
        settle(answer);
      } catch (error) {
        this.#emit({ kind: 'error', error: BusError.from(error) });
      }
    };
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
