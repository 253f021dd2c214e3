import type { BusError } from '@terabus/messages';
import type { Clock } from './clock.js';
import type { KeyValue } from './key-value.js';
import type { Streams } from './streams.js';
import type { TransportEvent, TransportHealth } from './transport-health.js';

/** Headers of a message, by their exact name (names are case-sensitive). A name that came twice has its first value. */
export type Headers = ReadonlyMap<string, string>;

/**
 * What is handed to a transport. It stays as it is until `publish` or `respond` has resolved, or until the request has
 * settled; afterwards the sender may use bytes and headers again, and what it does to them reaches nobody.
 */
export interface Outbound {
  /** The topic as OpenTera spells it. Mapping it to a subject is the transport's work. */
  readonly topic: string;
  readonly bytes: Uint8Array;
  /** Headers that arrive as they were sent: `checkHeaders` says which can. */
  readonly headers?: Headers | undefined;
  /**
   * Called at most once, and only after `publish` has resolved without `confirm`: the link was lost
   * before the server was known to have the message, so it may or may not have been delivered
   * (`TERABUS_UNCONFIRMED`), or the server refused it (`TERABUS_NATS_FORBIDDEN`). It must not throw.
   */
  readonly onUnconfirmed?: ((error: BusError) => void) | undefined;
}

/** Options of {@link Transport.publish}. */
export interface TransportPublishOptions {
  /**
   * Resolve when the server has the message, which takes one round trip, instead of when it was handed to the
   * connection. Defaults to false.
   */
  readonly confirm?: boolean | undefined;
}

/** What a transport hands over. */
export interface Inbound {
  /**
   * The topic it was published to, mapped back from the subject: what routing believes, whatever a header claims. Of
   * an answer, the topic of the request.
   */
  readonly topic: string;
  /** Owned by this one receiver: neither the transport nor another receiver touches these bytes again. */
  readonly bytes: Uint8Array;
  /**
   * The same bytes, for whoever reads them while `deliver` runs and keeps nothing of them: a transport that hands over parts of
   * something larger can spare itself the copy. Undefined where there is nothing to spare.
   */
  readonly view?: Uint8Array | undefined;
  /** How many bytes the block of headers has on the wire (`headersSize`). Undefined where nobody has counted. */
  readonly headersBytes?: number | undefined;
  /** Empty when none were sent. */
  readonly headers: Headers;
  /**
   * Where an answer goes, for {@link Transport.respond}. Undefined when the sender wants none, and when it named a
   * place that this transport refuses to answer to (an answer to any subject that a caller
   * names would let it delete streams).
   */
  readonly replyTo?: string | undefined;
}

/** Options of {@link Transport.subscribe}. */
export interface SubscribeOptions {
  /**
   * The name of the group that shares the messages: each goes to one member of each group, whichever, and whatever the
   * patterns of the members (two overlapping patterns in one group get a message once). Without it the subscription
   * gets every message for itself. Any well-formed text that is not empty (`checkGroup`); escaping it for the wire is
   * the transport's work.
   */
  readonly group?: string | undefined;
}

/** A running subscription. */
export interface TransportSubscription {
  /**
   * Stops the intake. Resolves when nothing more will be handed over: every message that reached this subscription
   * before the server took note of the end has been delivered by then. Calling it again returns the same promise; it
   * resolves on a closed transport too.
   */
  drain(): Promise<void>;
}

/**
 * What {@link Transport.publish} returns of a message that was handed over at once: whoever publishes many need not wait
 * for each. A transport may return any other promise that resolves.
 */
export const HANDED_OVER: Promise<void> = Promise.resolve();

/**
 * The port between Terabus and what carries its messages. It speaks topics, bytes and headers; it knows neither
 * envelopes nor services. The conformance suite in `@terabus/testing` is this contract as tests.
 *
 * - **Order.** What one transport object publishes to one topic arrives in that order at each subscription.
 * - **Delivery.** At most once to each subscription and group, those of the publisher itself included. `deliver` is
 *   never called inside a call of this transport, and `settle` never inside of `request`. They must not throw; if one
 *   does, the transport reports it and all others get what is theirs.
 * - **Patterns.** A pattern is spelled as a subject (`toSubject`, without namespace), in which
 *   the token `*` stands for one token and a final `>` for one or more; a literal topic is subscribed to by its own
 *   subject. Two overlapping subscriptions both get the message.
 * - **Bad input.** What can't go on the wire is a `BusError` before anything is sent (a rejection; of `request` what
 *   it settles with), and the connection lives: `TERABUS_TOPIC_INVALID`, `TERABUS_TOPIC_TOO_LONG`,
 *   `TERABUS_PATTERN_INVALID`, `TERABUS_GROUP_INVALID`, `TERABUS_HEADER_INVALID`, `TERABUS_PAYLOAD_TOO_LARGE`.
 * - **Turns.** What fails without waiting for anything fails a turn of the event loop later: whoever tries again at once
 *   leaves sockets and timers their turn.
 * - **The end.** After `close` was called everything is refused with `TERABUS_CLOSED`.
 */
export interface Transport {
  /** For logs and test names: `nats`, `memory`. */
  readonly kind: string;
  /**
   * The largest message that can be sent, in bytes. Headers count with their block on the wire (`headersSize`), as
   * NATS counts them. A message of exactly this size is sent.
   */
  readonly maxPayloadBytes: number;
  /**
   * By what it stores and hands out again, where that is not the time of the world: hosts of durable topics are held to
   * it. Undefined for a server.
   */
  readonly clock?: Clock | undefined;

  /**
   * Resolves when the message was handed to the connection, or with `confirm` when the server has it. That nobody
   * subscribes to its topic is no error. What becomes of a message that was handed over is never silent: it is
   * delivered, or `onUnconfirmed` is called.
   *
   * Rejects when it was not handed over: `TERABUS_DISCONNECTED` (the link is down, longer than this transport lets a
   * message wait), `TERABUS_OVERLOADED` (the server does not keep up, and as much as may wait is waiting already),
   * `TERABUS_NATS_FORBIDDEN`. With `confirm` also `TERABUS_UNCONFIRMED`, when nobody knows whether the server has it.
   */
  publish(message: Outbound, options?: TransportPublishOptions): Promise<void>;

  /** Resolves when the server knows of the subscription: what is published afterwards arrives. */
  subscribe(
    pattern: string,
    options: SubscribeOptions,
    deliver: (message: Inbound) => void,
  ): Promise<TransportSubscription>;

  /**
   * Publishes a request. `settle` is called at most once, never inside this call: with the first answer, or with
   * the `BusError` that ends the wait (`TERABUS_NO_RESPONDERS` at once when nobody subscribes to the topic;
   * `TERABUS_DISCONNECTED` at once when the link is down or drops; `TERABUS_CLOSED`; bad input). Deadlines are the caller's: it calls the returned function to stop waiting, after which
   * `settle` is not called any more and a late answer is dropped.
   */
  request(message: Outbound, settle: (answer: Inbound | BusError) => void): () => void;

  /**
   * Answers to `replyTo` of an inbound message. Resolves when the answer was handed to the connection, also when
   * nobody waits for it any more. Rejects with `TERABUS_REPLY_REFUSED` for a place that is not of the shape that this
   * transport answers to.
   */
  respond(replyTo: string, bytes: Uint8Array, headers?: Headers): Promise<void>;

  /**
   * Why nothing at all can be published at this moment, as the rejection that it would meet; undefined while something
   * may. It is asked before a message is encoded, so that a flood of what can't be sent costs next to nothing.
   */
  refused(): Promise<never> | undefined;

  /**
   * Makes ready to receive answers, so that a missing permission shows before the first request does. A transport
   * that was not asked for it does so with its first request. Rejects with `TERABUS_NATS_FORBIDDEN`.
   */
  prepareRequests(): Promise<void>;

  /** What is stored, for durable topics and mailboxes. */
  readonly streams: Streams;

  /** Opens a bucket; whether it is there shows with the first call. */
  keyValue(bucket: string): KeyValue;

  /** Resolves when all that was published before has reached the server. */
  flush(): Promise<void>;

  /**
   * Drains all subscriptions, settles all requests with `TERABUS_CLOSED`, sends what is still to be sent, and
   * disconnects. When it has resolved nothing is handed over any more. Calling it again changes nothing.
   */
  close(): Promise<void>;

  /** Resolves when the transport has ended: with the reason if nobody asked for it, else with undefined. */
  readonly closed: Promise<BusError | undefined>;

  /** How the link is at this moment. */
  health(): TransportHealth;

  /**
   * Calls `listener` with everything that happens beside messages, at once when it happens, until the returned
   * function is called. A listener that throws is ignored: a log that fails must not end a connection.
   */
  watch(listener: (event: TransportEvent) => void): () => void;
}
