import type { BusError, Difference, StorePlan, StreamPlan } from '@terabus/core/transport';
import { compareStores } from '@terabus/core/transport';
import { isMissing, refusedByApi } from './api-error.js';
import {
  alwaysOfBucket,
  alwaysOfConsumer,
  alwaysOfStream,
  bucketConfig,
  type ConsumerConfig,
  consumerConfig,
  foundBucket,
  foundConsumer,
  foundStream,
  type StreamConfig,
  streamConfig,
} from './config.js';
import type { JetStream } from './jetstream.js';
import { bucketCalled, consumerCalled, type Names, streamCalled } from './names.js';
import { bucketMissing, consumerMissing, streamMissing } from './trouble.js';

/** A part of a plan: one stream, consumer or bucket. */
export interface Part {
  readonly called: string;
  /** The stream of a consumer, as it is called. */
  readonly inside: string | undefined;
  /** What asks for its state. */
  readonly operation: string;
  /** How it differs from the plan, given its configuration at the server; undefined where it is not there. */
  readonly compare: (config: unknown) => Difference[];
  /** What it is a problem of when it is not there. */
  readonly missing: () => BusError;
  /** What makes it; undefined for what is somebody else's. */
  readonly make: { readonly operation: string; readonly body: object } | undefined;
}

/** What was seen of a part. */
export interface Seen {
  readonly part: Part;
  readonly differences: readonly Difference[];
  readonly missing: boolean;
}

/** All parts of a plan, in the order in which they can be made. */
export function partsOf(plan: StorePlan, { names }: JetStream): Part[] {
  return [
    ...plan.streams.map((stream) => streamPart(stream, names)),
    ...plan.buckets.map((bucket): Part => {
      const config = bucketConfig(bucket, names);
      const called = bucketCalled(bucket.name);
      return {
        ...{ called, inside: undefined, operation: `STREAM.INFO.${config.name}` },
        compare: (it) => {
          const found = it as StreamConfig | undefined;
          const buckets = found ? [foundBucket(bucket, found)] : [];
          return [
            ...compareStores({ streams: [], buckets: [bucket] }, { streams: [], buckets }),
            ...(found ? others(called, alwaysOfBucket(config), alwaysOfBucket(found)) : []),
          ];
        },
        missing: () => bucketMissing(bucket.name),
        make: { operation: `STREAM.CREATE.${config.name}`, body: config },
      };
    }),
    ...plan.streams.flatMap((stream) => consumerParts(stream, names)),
  ];
}

function streamPart(stream: StreamPlan, names: Names): Part {
  const config = streamConfig(stream, names);
  const called = streamCalled(stream.name);
  const alone = { ...stream, consumers: [] };
  return {
    ...{ called, inside: undefined, operation: `STREAM.INFO.${config.name}` },
    compare: (it) => {
      const found = it as StreamConfig | undefined;
      const streams = found ? [foundStream(stream, found, names)] : [];
      return [
        ...compareStores({ streams: [alone], buckets: [] }, { streams, buckets: [] }),
        ...(found && stream.owned ? others(called, alwaysOfStream(config), alwaysOfStream(found)) : []),
      ];
    },
    missing: () => streamMissing(stream.name),
    make: stream.owned ? { operation: `STREAM.CREATE.${config.name}`, body: config } : undefined,
  };
}

function consumerParts(stream: StreamPlan, names: Names): Part[] {
  return stream.consumers.map((consumer): Part => {
    const config = consumerConfig(consumer, names);
    const [streamName, name] = [names.of(stream.name), names.of(consumer.name)];
    const called = consumerCalled(stream.name, consumer.name);
    const inPlan = (consumers: StreamPlan['consumers']): StorePlan => ({
      streams: [{ ...stream, owned: false, consumers }],
      buckets: [],
    });
    return {
      ...{ called, inside: streamCalled(stream.name), operation: `CONSUMER.INFO.${streamName}.${name}` },
      compare: (it) => {
        const found = it as ConsumerConfig | undefined;
        const consumers = found ? [foundConsumer(consumer, found, names)] : [];
        return [
          ...compareStores(inPlan([consumer]), inPlan(consumers)),
          ...(found ? others(called, alwaysOfConsumer(config), alwaysOfConsumer(found)) : []),
        ];
      },
      missing: () => consumerMissing(stream.name, consumer.name),
      make: {
        operation: `CONSUMER.DURABLE.CREATE.${streamName}.${name}`,
        // Servers from 2.10 on then refuse to change one that differs; older ones don't read it.
        body: { stream_name: streamName, config, action: 'create' },
      },
    };
  });
}

/** What differs of what no plan says. */
function others(where: string, wanted: object, found: object): Difference[] {
  const values = found as Readonly<Record<string, unknown>>;
  return Object.entries(wanted)
    .filter(([field, value]) => JSON.stringify(value) !== JSON.stringify(values[field]))
    .map(([field, value]) => ({ where, field, wanted: value, found: values[field] }));
}

/** Looks at one part. @throws BusError when that is not possible */
export async function look(jetStream: JetStream, part: Part, timeoutMs?: number): Promise<Seen> {
  const answer = await jetStream.call<{ config: unknown }>(part.operation, {}, timeoutMs);
  if (!answer.error) return { part, missing: false, differences: part.compare(answer.config) };
  if (!isMissing(answer.error)) throw refusedByApi(answer.error, part.called);
  return { part, missing: true, differences: part.compare(undefined) };
}

/** What is not there, as it is called. */
export const goneIn = (seen: readonly Seen[]): ReadonlySet<string> =>
  new Set(seen.filter(({ missing }) => missing).map(({ part }) => part.called));

/** All that differs; of a stream that is missing its consumers say nothing more. */
export function differencesOf(seen: readonly Seen[]): Difference[] {
  const gone = goneIn(seen);
  return seen
    .filter(({ part }) => part.inside === undefined || !gone.has(part.inside))
    .flatMap(({ differences }) => differences);
}
