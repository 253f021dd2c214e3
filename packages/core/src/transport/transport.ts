import type { BusError } from '@terabus/messages';

/** Headers of a message, by their exact name (names are case-sensitive). A name that came twice has its first value. */
export type Headers = ReadonlyMap<string, string>;

/** What is handed to a transport. */
export interface Outbound {
  /** The topic as OpenTera spells it. Mapping it to a subject is the transport's work. */
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly headers?: Headers | undefined;
}

/** What a transport hands over. */
export interface Inbound {
  /** The topic it was published to, mapped back from the subject: what routing believes, whatever a header claims. */
  readonly topic: string;
  /** Owned by the receiver: the transport never changes these bytes again. */
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  /**
   * Where an answer goes, for {@link Transport.respond}. Undefined when the sender wants none, and when it named a
   * place that this transport refuses to answer to (architecture, section 7: an answer to any subject that a caller
   * names would let it delete streams).
   */
  readonly replyTo?: string | undefined;
}

/** Options of {@link Transport.subscribe}. */
export interface SubscribeOptions {
  /**
   * The name of the group that shares the messages: each goes to one member of each group. Without it the
   * subscription gets every message for itself. Any well-formed text; escaping it for the wire is the transport's work.
   */
  readonly group?: string | undefined;
}

/** A running subscription. */
export interface TransportSubscription {
  /**
   * Stops the intake. Resolves when nothing more will be handed over: every message that reached this subscription
   * before the server took note of the end has been delivered by then. Calling it again returns the same promise.
   */
  drain(): Promise<void>;
}

/**
 * The port between Terabus and what carries its messages. It speaks topics, bytes and headers; it knows neither
 * envelopes nor services. The conformance suite in `@terabus/testing` is this contract as tests.
 *
 * - **Order.** What one transport object publishes to one topic arrives in that order at each subscription.
 * - **Delivery.** At most once to each subscription and group. `deliver` is never called inside `publish` or
 *   `subscribe`, and never concurrently with itself. It must not throw; if it does, the transport reports it and
 *   lives on.
 * - **Patterns.** A pattern is spelled as a subject (`toSubject`, architecture section 4, without namespace), in which
 *   the token `*` stands for one token and a final `>` for one or more; a literal topic is subscribed to by its own
 *   subject. Two overlapping subscriptions both get the message.
 * - **Bad input.** A topic, group, header or size that can't go on the wire is a rejected or thrown `BusError`
 *   before anything is sent, and the connection lives.
 */
export interface Transport {
  /** For logs and test names: `nats`, `memory`. */
  readonly kind: string;
  /** The largest message, headers included, that `publish` takes, in bytes. */
  readonly maxPayloadBytes: number;

  /** Resolves when the message was handed to the connection. */
  publish(message: Outbound): Promise<void>;

  /** Resolves when the server knows of the subscription: what is published afterwards arrives. */
  subscribe(
    pattern: string,
    options: SubscribeOptions,
    deliver: (message: Inbound) => void,
  ): Promise<TransportSubscription>;

  /**
   * Publishes a request. `settle` is called at most once, never inside this call: with the first answer, or with
   * the `BusError` that ends the wait (`TERABUS_NO_RESPONDERS` when nobody subscribes to the topic; a closed
   * transport; bad input). Deadlines are the caller's: it calls the returned function to stop waiting, after which
   * `settle` is not called any more and a late answer is dropped.
   */
  request(message: Outbound, settle: (answer: Inbound | BusError) => void): () => void;

  /** Answers to `replyTo` of an inbound message. */
  respond(replyTo: string, bytes: Uint8Array, headers?: Headers): Promise<void>;

  /** Resolves when all that was published before has reached the server. */
  flush(): Promise<void>;

  /** Ends all subscriptions and requests, sends what is still to be sent, and disconnects. */
  close(): Promise<void>;

  /** Resolves when the transport has ended: with the reason if nobody asked for it, else with undefined. */
  readonly closed: Promise<BusError | undefined>;
}
