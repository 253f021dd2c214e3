import type { StorePlan } from './store-plan.js';
import type { Headers } from './transport.js';

/** What is handed over to be stored. It stays as it is until `store` has settled. */
export interface StoreMessage {
  /** Where it is published, in subject spelling (`toSubject`, without namespace), or one of Terabus' own: `_RETRY.…`. */
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** Names that start with `Nats-` are the transport's. */
  readonly headers?: Headers | undefined;
  /** The name of the stream that has to take it: the acknowledgement of any other is refused. */
  readonly stream: string;
  /** A stream that knows it from its duplicate window stores nothing, and says so. One line of printable ASCII. */
  readonly messageId: string;
}

/** A message that is in a stream. */
export interface Stored {
  readonly stream: string;
  /** Its number in the stream; that of the first one where it is a duplicate. */
  readonly sequence: number;
  /** Whether the stream had it already. */
  readonly duplicate: boolean;
}

/** A message as it lies in a stream. */
export interface StoredMessage {
  readonly subject: string;
  /** Owned by this one receiver. */
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  readonly stream: string;
  readonly sequence: number;
  /**
   * When it was stored, in milliseconds since the Unix epoch, by the server's clock: with as much of their fraction as a
   * number holds, which tells two messages apart that have one number, in a stream that was made anew, or in copies that differ.
   */
  readonly storedAt: number;
}

/**
 * A message that is handed out to be settled: by exactly one of `ack`, `later` and `superseded`. Until then `working` has
 * to be called more often than the consumer's `ackWaitMs`, or it is handed out again. None of them throws, none waits: on
 * a link that is lost they do nothing, and the message is handed out again.
 */
export interface StreamDelivery extends StoredMessage {
  /** How often it was handed out, this time included: also where its reader died while it was waiting. */
  readonly deliveries: number;
  /** How many messages of this consumer come behind it, when it was handed out. */
  readonly pending: number;
  /** What its headers take on the wire, in bytes, where that is known without a look at them. */
  readonly headersBytes?: number;
  /** It is done with. */
  ack(): void;
  /** Hands it out again after so many milliseconds; at once with 0. */
  later(delayMs: number): void;
  /** It was handed out again, and is settled there: this time takes no room any more, and the consumer is told nothing. */
  superseded(): void;
  /** It is being worked on. */
  working(): void;
}

/** Options of {@link Streams.consume}. */
export interface ConsumeOptions {
  readonly stream: string;
  readonly consumer: string;
  /** How many deliveries may be unsettled at a time. */
  readonly maxUnsettled: number;
  /** How many bytes of them, with headers; the last one may go beyond it. */
  readonly maxUnsettledBytes: number;
}

/** An intake that runs. It outlives lost links, servers that restart, and consumers that go and come back. */
export interface Consuming {
  /**
   * Ends the intake. Resolves when nothing more will be handed over; what was handed over may still be settled.
   * Calling it again returns the same promise.
   */
  stop(): Promise<void>;
}

/** How far a consumer is. */
export interface ConsumerState {
  /** How many messages it has not handed out yet. */
  readonly pending: number;
  /** How many are handed out and not settled. */
  readonly unsettled: number;
  /** All messages of the stream up to this number are settled, or are none of this consumer's. */
  readonly settledUpTo: number;
}

/** How a stream is. */
export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  readonly firstSequence: number;
  /** Also of a message that is gone by now; 0 where there was none. */
  readonly lastSequence: number;
}

/** What one field of a plan should be, and what it is. */
export interface Difference {
  /** `stream 'module.X.events'`, `consumer '…' of stream '…'`, `bucket '…'`. */
  readonly where: string;
  /** The field as the plan has it; `undefined` where the whole is missing. */
  readonly field: string | undefined;
  readonly wanted: unknown;
  readonly found: unknown;
}

/**
 * The part of a transport that stores. It makes and changes no stream, consumer or bucket: `provision` does, under
 * credentials of its own. All rejections are `BusError`s; those with a retryable code may succeed when tried again.
 *
 * - **Order.** What is stored one after the other, each after the promise of the one before, or from one transport
 *   object without waiting on one link, has growing sequence numbers.
 * - **Missing.** A stream or consumer in `expect` that is missing or differs is an entry of `health().problems` within
 *   5 s, until it is there again as planned.
 */
export interface Streams {
  /**
   * One attempt to store a message: resolves when the stream has it (on all replicas that count).
   *
   * - `TERABUS_STREAM_FULL`, `TERABUS_STREAM_MISMATCH` (an acknowledgement that is not of this stream),
   *   `TERABUS_PAYLOAD_TOO_LARGE`, `TERABUS_HEADER_INVALID`, `TERABUS_NATS_FORBIDDEN`: it is not stored.
   * - `TERABUS_STREAM_UNAVAILABLE` (retryable): nobody took it: no leader, no such stream, or no JetStream.
   * - `TERABUS_STORE_UNKNOWN` (retryable): no answer within `timeoutMs`, or the link was lost: it may be stored. The
   *   same `messageId` again finds out.
   */
  store(message: StoreMessage, timeoutMs: number): Promise<Stored>;

  /**
   * Hands out what a consumer has, as long as there is room. Rejects with `TERABUS_CONSUMER_MISSING` or
   * `TERABUS_NATS_FORBIDDEN`. `deliver` is never called inside a call of this port, and must not throw.
   */
  consume(options: ConsumeOptions, deliver: (delivery: StreamDelivery) => void): Promise<Consuming>;

  /** `TERABUS_CONSUMER_MISSING` */
  consumerState(stream: string, consumer: string): Promise<ConsumerState>;

  /** `TERABUS_STREAM_MISSING` */
  streamState(stream: string): Promise<StreamState>;

  /**
   * The message with this number, or the first behind it whose subject matches `filter` (a pattern; all by default);
   * or the last of exactly one subject. Undefined when there is none.
   */
  read(stream: string, query: StreamQuery): Promise<StoredMessage | undefined>;

  /** The subjects below a pattern that have messages, in no order. */
  subjects(stream: string, pattern: string): Promise<string[]>;

  /** Removes messages for good: one by its number, or all whose subject matches. Resolves with how many. */
  purge(stream: string, what: { readonly sequence: number } | { readonly filter: string }): Promise<number>;

  /**
   * Compares a plan with what is there, changes nothing, and goes on looking until the returned function is called.
   * Resolves with how they differ at this moment: empty where all is as planned.
   */
  expect(plan: StorePlan): Promise<Expectation>;
}

/** Which message {@link Streams.read} looks for. */
export type StreamQuery =
  | { readonly fromSequence: number; readonly filter?: string | undefined }
  | { readonly lastOf: string };

/** A plan that is looked after. */
export interface Expectation {
  readonly differences: readonly Difference[];
  /** Looks no more. */
  end(): void;
}
