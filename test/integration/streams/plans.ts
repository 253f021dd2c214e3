import type { ConsumerPlan, StorePlan, StreamPlan } from '@terabus/core/transport';

/** A stream with the defaults of what is said elsewhere. */
export const stream = (some: Partial<StreamPlan> = {}): StreamPlan => ({
  name: 'ward.events',
  subjects: ['ward.events.>'],
  retention: 'limits',
  maxAgeMs: 0,
  maxMessages: -1,
  maxBytes: 10_000_000,
  maxMessagesPerSubject: -1,
  discard: 'new',
  duplicateWindowMs: 120_000,
  replicas: 1,
  republishTo: undefined,
  owned: true,
  consumers: [consumer()],
  ...some,
});

export const consumer = (some: Partial<ConsumerPlan> = {}): ConsumerPlan => ({
  name: 'nurse ward.events.>',
  filter: 'ward.events.>',
  ackWaitMs: 30_000,
  maxAckPending: 1_000,
  start: 'all',
  ...some,
});

export const plan = (some: Partial<StreamPlan> = {}): StorePlan => ({ streams: [stream(some)], buckets: [] });
