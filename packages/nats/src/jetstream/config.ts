// Plans as JetStream has them, and back: what is compared is compared in the words of the plan.
import type { BucketPlan, ConsumerPlan, ConsumerStart, StreamPlan } from '@terabus/core/transport';
import type { Names } from './names.js';

const NANOSECONDS = 1_000_000;

/** JetStream's own default: longer than any retry of a publish. */
const BUCKET_WINDOW_MS = 120_000;

/** What of a stream's configuration is asked for and looked at. */
export interface StreamConfig {
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly retention: string;
  readonly max_age: number;
  readonly max_msgs: number;
  readonly max_bytes: number;
  readonly max_msgs_per_subject: number;
  readonly discard: string;
  readonly duplicate_window: number;
  readonly num_replicas: number;
  readonly storage: string;
  readonly allow_rollup_hdrs?: boolean;
  readonly deny_delete?: boolean;
  readonly sealed?: boolean;
  readonly no_ack?: boolean;
  readonly republish?: { readonly src?: string; readonly dest: string; readonly headers_only?: boolean };
  readonly mirror?: unknown;
  readonly sources?: unknown;
}

/** What of a consumer's configuration is asked for and looked at. */
export interface ConsumerConfig {
  readonly durable_name?: string;
  readonly filter_subject?: string;
  readonly ack_policy: string;
  readonly ack_wait: number;
  readonly max_deliver: number;
  readonly max_ack_pending: number;
  readonly deliver_policy: string;
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
  readonly replay_policy: string;
  readonly deliver_subject?: string;
  readonly backoff?: readonly number[];
  readonly headers_only?: boolean;
  readonly max_batch?: number;
  readonly max_expires?: number;
  readonly max_bytes?: number;
  readonly inactive_threshold?: number;
}

export function streamConfig(plan: StreamPlan, names: Names): StreamConfig {
  return {
    name: names.of(plan.name),
    subjects: plan.subjects.map((subject) => names.subject(subject)),
    retention: plan.retention,
    max_age: plan.maxAgeMs * NANOSECONDS,
    max_msgs: plan.maxMessages,
    max_bytes: plan.maxBytes,
    max_msgs_per_subject: plan.maxMessagesPerSubject,
    discard: plan.discard,
    duplicate_window: plan.duplicateWindowMs * NANOSECONDS,
    num_replicas: plan.replicas,
    storage: 'file',
    // Whoever may publish could else delete all that was stored.
    allow_rollup_hdrs: false,
    ...(plan.republishTo !== undefined && {
      republish: { src: names.subject('>'), dest: names.subject(`${plan.republishTo}.>`) },
    }),
  };
}

export function bucketConfig(plan: BucketPlan, names: Names): StreamConfig {
  return {
    name: names.bucket(plan.name),
    subjects: [`${names.keys(plan.name)}>`],
    retention: 'limits',
    max_age: plan.ttlMs * NANOSECONDS,
    // One message is one key: the last.
    max_msgs: plan.maxKeys,
    max_bytes: -1,
    max_msgs_per_subject: 1,
    discard: 'new',
    duplicate_window: (plan.ttlMs === 0 ? BUCKET_WINDOW_MS : Math.min(plan.ttlMs, BUCKET_WINDOW_MS)) * NANOSECONDS,
    num_replicas: plan.replicas,
    storage: 'file',
    allow_rollup_hdrs: false,
    deny_delete: true,
  };
}

export function consumerConfig(plan: ConsumerPlan, names: Names): ConsumerConfig {
  return {
    durable_name: names.of(plan.name),
    filter_subject: names.subject(plan.filter),
    ack_policy: 'explicit',
    ack_wait: plan.ackWaitMs * NANOSECONDS,
    max_deliver: -1,
    max_ack_pending: plan.maxAckPending,
    replay_policy: 'instant',
    ...startConfig(plan.start),
  };
}

function startConfig(start: ConsumerStart) {
  if (typeof start === 'string') return { deliver_policy: start };
  if ('sequence' in start) return { deliver_policy: 'by_start_sequence', opt_start_seq: start.sequence };
  return { deliver_policy: 'by_start_time', opt_start_time: new Date(start.timeMs).toISOString() };
}

/** A stream that is there in the words of a plan. */
export function foundStream(plan: StreamPlan, config: StreamConfig, names: Names): StreamPlan {
  const { republish } = config;
  return {
    ...plan,
    subjects: (config.subjects ?? []).map((subject) => names.unwired(subject)),
    retention: config.retention as StreamPlan['retention'],
    maxAgeMs: config.max_age / NANOSECONDS,
    maxMessages: config.max_msgs,
    maxBytes: config.max_bytes,
    maxMessagesPerSubject: config.max_msgs_per_subject,
    discard: config.discard as StreamPlan['discard'],
    duplicateWindowMs: config.duplicate_window / NANOSECONDS,
    replicas: config.num_replicas,
    republishTo: republish && republished(republish, names),
    consumers: [],
  };
}

/** As the plan has it where it is what a plan makes, else whatever it is. */
function republished(republish: NonNullable<StreamConfig['republish']>, names: Names): string {
  const { src, dest, headers_only } = republish;
  const below = names.unwired(dest);
  const usual = src === names.subject('>') && below.endsWith('.>') && !headers_only;
  return usual ? below.slice(0, -2) : JSON.stringify(republish);
}

/** A bucket that is there in the words of a plan. */
export const foundBucket = (plan: BucketPlan, config: StreamConfig): BucketPlan => ({
  ...plan,
  ttlMs: config.max_age / NANOSECONDS,
  maxKeys: config.max_msgs,
  replicas: config.num_replicas,
});

/** A consumer that is there in the words of a plan. */
export const foundConsumer = (plan: ConsumerPlan, config: ConsumerConfig, names: Names): ConsumerPlan => ({
  ...plan,
  filter: names.unwired(config.filter_subject ?? names.subject('>')),
  ackWaitMs: config.ack_wait / NANOSECONDS,
  maxAckPending: config.max_ack_pending,
  start: foundStart(config),
});

function foundStart({ deliver_policy, opt_start_seq, opt_start_time }: ConsumerConfig): ConsumerStart {
  if (deliver_policy === 'by_start_sequence') return { sequence: opt_start_seq ?? 0 };
  if (deliver_policy === 'by_start_time') return { timeMs: Date.parse(opt_start_time ?? '') };
  return deliver_policy as ConsumerStart;
}

/**
 * What no plan says, since it is the same for all of them: under the server's own names. A rollup would let whoever may
 * publish delete all that was stored; a stream in memory forgets it with its server; one without acknowledgements tells no
 * publisher that it has a message.
 */
export const alwaysOfStream = ({ storage, allow_rollup_hdrs, sealed, no_ack, mirror, sources }: StreamConfig) => ({
  storage,
  allow_rollup_hdrs: allow_rollup_hdrs ?? false,
  sealed: sealed ?? false,
  no_ack: no_ack ?? false,
  mirror,
  sources,
});

/** A bucket may be made by other tools, which allow rollups. One with a limit of bytes lets keys go near it. */
export const alwaysOfBucket = ({
  subjects,
  max_bytes,
  max_msgs_per_subject,
  discard,
  storage,
  sealed,
  no_ack,
}: StreamConfig) => ({
  subjects,
  max_bytes,
  max_msgs_per_subject,
  discard,
  storage,
  sealed: sealed ?? false,
  no_ack: no_ack ?? false,
});

/**
 * One that hands out headers alone hands out empty messages; one with limits for requests refuses those of an intake; one with
 * a threshold is deleted, with its place, while its service is stopped.
 */
export const alwaysOfConsumer = (config: ConsumerConfig) => ({
  ack_policy: config.ack_policy,
  max_deliver: config.max_deliver,
  deliver_subject: config.deliver_subject,
  backoff: config.backoff,
  headers_only: config.headers_only ?? false,
  max_batch: config.max_batch || undefined,
  max_expires: config.max_expires || undefined,
  max_bytes: config.max_bytes || undefined,
  inactive_threshold: config.inactive_threshold || undefined,
});
