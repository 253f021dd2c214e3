import type { Difference, StorePlan, StreamPlan } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import { isMissing, refusedByApi } from './api-error.js';
import {
  bucketConfig,
  bucketFields,
  type ConsumerConfig,
  consumerConfig,
  consumerFields,
  type Fields,
  type StreamConfig,
  streamConfig,
  streamFields,
} from './config.js';
import type { JetStream } from './jetstream.js';
import { bucketCalled, consumerCalled, streamCalled } from './names.js';
import { bucketMissing, consumerMissing, streamMissing } from './trouble.js';

/** A part of a plan: one stream, consumer or bucket. */
export interface Part {
  readonly called: string;
  /** What asks for its state. */
  readonly operation: string;
  /** What its fields should be; undefined where the plan says nothing of them. */
  readonly wanted: Fields | undefined;
  readonly found: (config: never) => Fields;
  /** What it is a problem of when it is not there. */
  readonly missing: () => BusError;
  /** What makes it; undefined for what is somebody else's. */
  readonly make: { readonly operation: string; readonly body: object } | undefined;
}

/** What was seen of a part: the fields that differ; undefined when it is not there. */
export interface Seen {
  readonly part: Part;
  readonly differences: readonly Difference[];
  readonly missing: boolean;
}

/** All parts of a plan, in the order in which they can be made. */
export function partsOf(plan: StorePlan, { names }: JetStream): Part[] {
  return [
    ...plan.streams.map((stream): Part => {
      const config = streamConfig(stream, names);
      const found = (it: StreamConfig) => streamFields(it, names);
      return {
        called: streamCalled(stream.name),
        operation: `STREAM.INFO.${config.name}`,
        wanted: stream.owned ? found(config) : undefined,
        found: found as Part['found'],
        missing: () => streamMissing(stream.name),
        make: stream.owned ? { operation: `STREAM.CREATE.${config.name}`, body: config } : undefined,
      };
    }),
    ...plan.buckets.map((bucket): Part => {
      const config = bucketConfig(bucket, names);
      return {
        called: bucketCalled(bucket.name),
        operation: `STREAM.INFO.${config.name}`,
        wanted: bucketFields(config),
        found: bucketFields as Part['found'],
        missing: () => bucketMissing(bucket.name),
        make: { operation: `STREAM.CREATE.${config.name}`, body: config },
      };
    }),
    ...plan.streams.flatMap((stream) => consumerParts(stream, names)),
  ];
}

function consumerParts(stream: StreamPlan, names: JetStream['names']): Part[] {
  return stream.consumers.map((consumer): Part => {
    const config = consumerConfig(consumer, names);
    const [streamName, name] = [names.of(stream.name), names.of(consumer.name)];
    const found = (it: ConsumerConfig) => consumerFields(it, names);
    return {
      called: consumerCalled(stream.name, consumer.name),
      operation: `CONSUMER.INFO.${streamName}.${name}`,
      wanted: found(config),
      found: found as Part['found'],
      missing: () => consumerMissing(stream.name, consumer.name),
      make: {
        operation: `CONSUMER.DURABLE.CREATE.${streamName}.${name}`,
        // Servers from 2.10 on then refuse to change one that differs; older ones don't read it.
        body: { stream_name: streamName, config, action: 'create' },
      },
    };
  });
}

/** Looks at one part. @throws BusError when that is not possible */
export async function look(jetStream: JetStream, part: Part, timeoutMs?: number): Promise<Seen> {
  const answer = await jetStream.call<{ config: never }>(part.operation, {}, timeoutMs);
  if (answer.error) {
    if (!isMissing(answer.error)) throw refusedByApi(answer.error, part.called);
    return { part, missing: true, differences: [absent(part)] };
  }
  const { wanted, called } = part;
  if (wanted === undefined) return { part, missing: false, differences: [] };
  const found = part.found(answer.config as never);
  const differences = Object.keys(wanted)
    .filter((field) => !equal(wanted[field], found[field]))
    .map((field) => ({ where: called, field, wanted: wanted[field], found: found[field] }));
  return { part, missing: false, differences };
}

const absent = ({ called, wanted }: Part): Difference => ({
  where: called,
  field: undefined,
  wanted: wanted ?? 'there',
  found: undefined,
});

/** What is plain data is equal when it reads the same. */
const equal = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** Differences in one sentence. */
export function differing(differences: readonly Difference[]): BusError {
  const all = differences.map(({ where, field, wanted, found }) =>
    field === undefined
      ? `there is no ${where}`
      : `${where} has ${field} ${JSON.stringify(found) ?? 'unset'}, and the plan says ${JSON.stringify(wanted) ?? 'unset'}`,
  );
  return new BusError(all.join('; '), { reason: 'TERABUS_STORE_DRIFT', details: { differences } });
}
