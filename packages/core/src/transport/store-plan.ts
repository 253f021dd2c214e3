/**
 * What has to be there before services with durable topics can run: streams with their consumers, and buckets. Plain
 * data, as `planStreams` makes it. Names and subjects are without namespace, names are any text: the transport maps
 * them (`toName`, `withNamespace`), as it does with groups and patterns.
 */
export interface StorePlan {
  readonly streams: readonly StreamPlan[];
  readonly buckets: readonly BucketPlan[];
}

/** A stream, as JetStream has it. Its messages are in files, and no rollup is allowed. */
export interface StreamPlan {
  readonly name: string;
  /** What it stores, in subject spelling. No two streams have overlapping ones. */
  readonly subjects: readonly string[];
  /** `limits`: messages stay until they are too old or too many. `workqueue`: until they are acknowledged. */
  readonly retention: 'limits' | 'workqueue';
  /** Messages are kept for so many milliseconds. 0 for ever. */
  readonly maxAgeMs: number;
  /** -1 for no limit. */
  readonly maxMessages: number;
  /** -1 for no limit. Not exact: nats-server 2.9.10 lets old messages go within some 40 bytes of it. */
  readonly maxBytes: number;
  /** How many messages of one subject are kept; the oldest go. -1 for all. */
  readonly maxMessagesPerSubject: number;
  /** What happens when it is full: the new one is refused, or the old ones go. */
  readonly discard: 'new' | 'old';
  /** For how many milliseconds a message id is known. */
  readonly duplicateWindowMs: number;
  readonly replicas: number;
  /** What is stored goes out again below this subject (`_LIVE.<subject>`), with its sequence numbers in headers. */
  readonly republishTo: string | undefined;
  /**
   * Whether the plan is that of the stream's owner. One that only reads it plans consumers on it, and says nothing of
   * how it stores.
   */
  readonly owned: boolean;
  readonly consumers: readonly ConsumerPlan[];
}

/** A durable pull consumer with explicit acknowledgement and no limit of deliveries. */
export interface ConsumerPlan {
  readonly name: string;
  /** Which of the stream's subjects, in subject spelling. */
  readonly filter: string;
  /** A delivery that nobody acknowledged or prolonged for so many milliseconds is made again. */
  readonly ackWaitMs: number;
  /** How many deliveries may be unacknowledged at a time, over all readers. */
  readonly maxAckPending: number;
  /** Where it begins, when it is made. */
  readonly start: ConsumerStart;
}

/** What is stored behind the making of the consumer, everything, or from a sequence number or a time on. */
export type ConsumerStart = 'new' | 'all' | { readonly sequence: number } | { readonly timeMs: number };

/** A bucket of values by key. */
export interface BucketPlan {
  readonly name: string;
  /** An entry is gone after so many milliseconds without a change. 0 for never. */
  readonly ttlMs: number;
  /**
   * How many keys it may have; -1 for no limit. One more is refused, and none goes for it; a key that is there takes a new
   * value also where it is full. One that was deleted counts until `ttlMs` is over.
   */
  readonly maxKeys: number;
  readonly replicas: number;
}
