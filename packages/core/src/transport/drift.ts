import { BusError } from '@terabus/messages';
import type { BucketPlan, ConsumerPlan, StorePlan, StreamPlan } from './store-plan.js';
import type { Difference } from './streams.js';

const STREAM_FIELDS = [
  'subjects',
  'retention',
  'maxAgeMs',
  'maxMessages',
  'maxBytes',
  'maxMessagesPerSubject',
  'discard',
  'duplicateWindowMs',
  'replicas',
  'republishTo',
] as const satisfies readonly (keyof StreamPlan)[];

const CONSUMER_FIELDS = [
  'filter',
  'ackWaitMs',
  'maxAckPending',
  'start',
] as const satisfies readonly (keyof ConsumerPlan)[];

const BUCKET_FIELDS = ['ttlMs', 'maxKeys', 'replicas'] as const satisfies readonly (keyof BucketPlan)[];

/**
 * How what is there differs from a plan. What the plan does not name is nobody's business; of a stream that it does
 * not own only the consumers count. Where a whole stream is missing, its consumers are not listed on top.
 */
export function compareStores(wanted: StorePlan, found: StorePlan): Difference[] {
  return [
    ...wanted.streams.flatMap((stream) =>
      compareStream(
        stream,
        found.streams.find(({ name }) => name === stream.name),
      ),
    ),
    ...wanted.buckets.flatMap((bucket) =>
      compareFields(
        `bucket '${bucket.name}'`,
        BUCKET_FIELDS,
        bucket,
        found.buckets.find(({ name }) => name === bucket.name),
      ),
    ),
  ];
}

/** What a service says that is not started, and `provision` when it changes nothing, because of differences. */
export function driftError(differences: readonly Difference[]): BusError {
  return new BusError(`what is stored is not as planned: ${differences.map(sentence).join('; ')}`, {
    reason: 'TERABUS_STORE_DRIFT',
    details: {
      differences: differences.map(({ where, field }) => (field === undefined ? where : `${field} of ${where}`)),
    },
  });
}

function compareStream(wanted: StreamPlan, found: StreamPlan | undefined): Difference[] {
  const where = `stream '${wanted.name}'`;
  const own = compareFields(where, wanted.owned ? STREAM_FIELDS : [], wanted, found);
  if (found === undefined) return own;
  const consumers = wanted.consumers.flatMap((consumer) =>
    compareFields(
      `consumer '${consumer.name}' of ${where}`,
      CONSUMER_FIELDS,
      consumer,
      found.consumers.find(({ name }) => name === consumer.name),
    ),
  );
  return [...own, ...consumers];
}

function compareFields<T extends object>(
  where: string,
  fields: readonly (keyof T & string)[],
  wanted: T,
  found: T | undefined,
): Difference[] {
  if (found === undefined) return [{ where, field: undefined, wanted, found }];
  return fields
    .filter((field) => comparable(wanted[field]) !== comparable(found[field]))
    .map((field) => ({ where, field, wanted: wanted[field], found: found[field] }));
}

/** The subjects of a stream have no order. */
const comparable = (value: unknown): string | undefined =>
  JSON.stringify(Array.isArray(value) ? [...value].sort() : value);

function sentence({ where, field, wanted, found }: Difference): string {
  if (field === undefined) return `${where} is missing`;
  return `${field} of ${where} should be ${show(wanted)} and is ${show(found)}`;
}

const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
