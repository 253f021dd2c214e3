import type {
  Headers,
  Inbound,
  Outbound,
  SubscribeOptions,
  Transport,
  TransportHealth,
  TransportSubscription,
} from '@terabus/core/transport';
import {
  BusError,
  checkedPattern,
  checkedSubject,
  checkGroup,
  fromSubject,
  printable,
  toName,
  withoutNamespace,
} from '@terabus/core/transport';
import { encodeHeaders } from './headers.js';
import type { NatsClient, RawMessage, RawSubscription } from './nats-client.js';
import type { CheckedNatsOptions } from './options.js';
import type { Settle } from './replies.js';
import { Replies } from './replies.js';
import type { ReplyShape } from './reply-subjects.js';
import { newReplyPrefix, refusedReply } from './reply-subjects.js';
import type { NatsStatusListener } from './status.js';
import { within } from './within.js';

/**
 * {@link Transport} over one connection to NATS. It keeps no timers; the client has its own for pings.
 *
 * While the link is down, requests wait until their caller's deadline and publishing is not yet reported as failed:
 * that is the work of a guard around the client, in `nats-client.ts`.
 */
export class NatsTransport implements Transport {
  readonly kind = 'nats';
  readonly closed: Promise<BusError | undefined>;

  readonly #client: NatsClient;
  readonly #options: CheckedNatsOptions;
  readonly #report: NatsStatusListener;

  readonly #subscriptions = new Set<TransportSubscription>();
  readonly #replies = new Replies();
  readonly #replyPrefix: string;
  #inbox: RawSubscription | undefined;

  readonly #refusedShapes = new Set<ReplyShape>();
  #badMessages = 0;
  #ending: Promise<void> | undefined;

  constructor(client: NatsClient, options: CheckedNatsOptions, report: NatsStatusListener) {
    this.#client = client;
    this.#options = options;
    this.#report = report;
    this.#replyPrefix = newReplyPrefix(options.name, options.namespace);
    this.closed = client.closed.then((reason) => {
      const asked = this.#ending !== undefined;
      this.#replies.settleAll(reason ?? closedError());
      return asked ? undefined : (reason ?? closedError());
    });
  }

  get maxPayloadBytes(): number {
    return this.#client.maxPayloadBytes;
  }

  async publish({ topic, bytes, headers }: Outbound): Promise<void> {
    this.#send(checkedSubject(topic, this.#options.namespace), bytes, headers);
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

    let refused: BusError | undefined;
    const receive = (raw: RawMessage) => {
      const message = this.#inbound(raw);
      if (message) deliver(message);
    };
    const raw = this.#client.subscribe(subject, queue, receive, (error) => {
      refused = error;
    });

    let drained: Promise<void> | undefined;
    const subscription: TransportSubscription = {
      drain: () => {
        drained ??= raw.drain().finally(() => this.#subscriptions.delete(subscription));
        return drained;
      },
    };
    this.#subscriptions.add(subscription);
    try {
      // The server answers in order: a refusal comes before the answer to the flush.
      await this.#client.flush();
      if (refused) throw refused;
    } catch (error) {
      await subscription.drain();
      throw error;
    }
    return subscription;
  }

  request({ topic, bytes, headers }: Outbound, settle: Settle): () => void {
    const key = this.#replies.add(topic, this.#guarded(settle));
    try {
      const subject = checkedSubject(topic, this.#options.namespace);
      this.#listenForReplies();
      this.#send(subject, bytes, headers, `${this.#replyPrefix}${key}`);
    } catch (error) {
      // Never inside this call: the caller has not got its way to cancel yet.
      queueMicrotask(() => this.#replies.settle(key, BusError.from(error)));
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
    this.#send(replyTo, bytes, headers);
  }

  async prepareRequests(): Promise<void> {
    this.#listenForReplies();
    await this.flush();
  }

  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#client.flush();
  }

  health(): TransportHealth {
    const nothing = { messages: 0, bytes: 0 };
    return { state: 'up', problems: [], roundTripMs: undefined, unconfirmed: nothing, waiting: nothing };
  }

  watch(): () => void {
    return () => {};
  }

  close(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { clock, closeTimeoutMs } = this.#options;
    this.#replies.settleAll(closedError());
    const sent = Promise.all([...this.#subscriptions].map((subscription) => subscription.drain())).then(() =>
      this.#client.flush(),
    );
    // A server that is gone confirms nothing.
    await within(clock, closeTimeoutMs, sent).catch(() => {});
    await this.#client.close();
    await this.closed;
  }

  #send(subject: string, bytes: Uint8Array, headers: Headers | undefined, replyTo?: string): void {
    this.#checkOpen();
    const block = encodeHeaders(headers);
    const size = bytes.length + (block?.length ?? 0);
    if (size > this.maxPayloadBytes) {
      throw new BusError(
        `the message on ${printable(subject)} has ${size} bytes with its headers; the server takes ${this.maxPayloadBytes}`,
        { reason: 'TERABUS_PAYLOAD_TOO_LARGE' },
      );
    }
    this.#client.publish(subject, bytes, block, replyTo);
  }

  #checkOpen(): void {
    if (this.#ending) throw closedError();
  }

  /** The message of a subscription; undefined for what is no message of a topic of this namespace. */
  #inbound(raw: RawMessage): Inbound | undefined {
    const { namespace } = this.#options;
    const subject = withoutNamespace(raw.subject, namespace);
    // `>` also sees what is nobody's topic: replies, JetStream's own messages, other namespaces.
    if (subject === undefined || /^[$_@]/.test(subject)) return undefined;
    try {
      const topic = fromSubject(subject);
      return { topic, bytes: raw.bytes(), headers: raw.headers(), replyTo: this.#replyTo(raw.replyTo, topic) };
    } catch (error) {
      this.#reportBad(error);
      return undefined;
    }
  }

  #replyTo(replyTo: string | undefined, topic: string): string | undefined {
    if (replyTo === undefined) return undefined;
    const shape = refusedReply(replyTo, this.#options.namespace, this.#options.replyTo);
    if (shape === undefined) return replyTo;
    if (!this.#refusedShapes.has(shape)) {
      this.#refusedShapes.add(shape);
      this.#report({ type: 'reply-refused', shape, topic });
    }
    return undefined;
  }

  /** With the first request, so that a service that asks nobody needs no permission for it. */
  #listenForReplies(): void {
    if (this.#inbox) return;
    const fail = (error: BusError) => {
      this.#inbox = undefined;
      this.#replies.settleAll(error);
    };
    this.#inbox = this.#client.subscribe(`${this.#replyPrefix}*`, undefined, (raw) => this.#onReply(raw), fail);
  }

  #onReply(raw: RawMessage): void {
    const key = raw.subject.slice(this.#replyPrefix.length);
    const topic = this.#replies.topicOf(key);
    if (topic === undefined) return; // late
    try {
      this.#replies.settle(
        key,
        raw.noResponders()
          ? new BusError(`nobody listens to ${printable(topic)}`, { reason: 'TERABUS_NO_RESPONDERS' })
          : { topic, bytes: raw.bytes(), headers: raw.headers() },
      );
    } catch (error) {
      this.#reportBad(error);
      this.#replies.settle(key, BusError.from(error));
    }
  }

  /** Whoever asked has its own code behind `settle`; one that throws must not take others along. */
  #guarded(settle: Settle): Settle {
    return (answer) => {
      try {
        settle(answer);
      } catch (error) {
        this.#report({ type: 'error', error: BusError.from(error) });
      }
    };
  }

  #reportBad(error: unknown): void {
    this.#badMessages += 1;
    this.#report({ type: 'bad-message', error: BusError.from(error), count: this.#badMessages });
  }
}

function closedError(): BusError {
  return new BusError('the transport is closed', { reason: 'TERABUS_CLOSED' });
}
