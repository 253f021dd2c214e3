import type { BucketPlan, ConsumerPlan, StorePlan, StreamPlan } from '@terabus/core/transport';

/** Names are any text. */
export const STREAM = 'module.Press Office.news.{table}';
export const CONSUMER = 'service.Reader news.*';
export const BUCKET = 'service.Reader marks';

/** Long enough for a server to answer in between, short enough to wait for. */
export const ACK_WAIT_MS = 400;

export function aConsumer(changes: Partial<ConsumerPlan> = {}): ConsumerPlan {
  return {
    name: CONSUMER,
    filter: 'news.*',
    // Nothing comes again by itself, however slow the machine is.
    ackWaitMs: 60_000,
    maxAckPending: 1_000,
    start: 'all',
    ...changes,
  };
}

/** Where the time for an acknowledgement is what a story is about. */
export const SOON: Partial<StreamPlan> = { consumers: [aConsumer({ ackWaitMs: ACK_WAIT_MS })] };

export function aStream(changes: Partial<StreamPlan> = {}): StreamPlan {
  return {
    name: STREAM,
    subjects: ['news.*'],
    retention: 'limits',
    maxAgeMs: 0,
    maxMessages: -1,
    maxBytes: -1,
    maxMessagesPerSubject: -1,
    discard: 'new',
    duplicateWindowMs: 120_000,
    replicas: 1,
    republishTo: undefined,
    owned: true,
    consumers: [aConsumer()],
    ...changes,
  };
}

export function aBucket(changes: Partial<BucketPlan> = {}): BucketPlan {
  return { name: BUCKET, ttlMs: 0, maxKeys: 1_000, replicas: 1, ...changes };
}

export const streamsOf = (...streams: StreamPlan[]): StorePlan => ({ streams, buckets: [] });
export const bucketsOf = (...buckets: BucketPlan[]): StorePlan => ({ streams: [], buckets });
