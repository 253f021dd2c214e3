import { BusError } from '@terabus/messages';
import type { Clock } from '../clock.js';
import { compareStores, driftError } from '../drift.js';
import type { StorePlan, StreamPlan } from '../store-plan.js';
import type { Difference, Stored } from '../streams.js';
import { MemoryBucket } from './bucket.js';
import type { ConsumerChanges, MemoryConsumer } from './consumer.js';
import { refusals } from './refusals.js';
import { type Arrival, MemoryStream, type Row } from './stream.js';

/** What the server of a {@link MemoryBroker} has stored. It outlives all connections. */
export class MemoryStore {
  readonly #clock: Clock;
  readonly #streams = new Map<string, MemoryStream>();
  readonly #buckets = new Map<string, MemoryBucket>();
  readonly #onStored: (row: Row, stream: StreamPlan, previous: number) => void;
  readonly #watchers = new Set<() => void>();

  /** `onStored` gets each message that was stored, with the number of the one before it on its subject. */
  constructor(clock: Clock, onStored: (row: Row, stream: StreamPlan, previous: number) => void) {
    this.#clock = clock;
    this.#onStored = onStored;
  }

  /** Calls `listener` after streams, consumers or buckets came, went or changed, until the returned function is called. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /**
   * Creates what is missing and leaves what is as planned. Where anything else is there, or a server would refuse it,
   * nothing is done.
   *
   * @throws BusError `TERABUS_STORE_DRIFT`
   */
  provision(plan: StorePlan): void {
    const differences = this.compare(plan);
    const refused = differences.filter(({ where, field }) => field !== undefined || this.#isNotOurs(plan, where));
    refused.push(...refusals(plan, this.#plan));
    if (refused.length > 0) throw driftError(refused);
    for (const stream of plan.streams) {
      const known = this.#streams.get(stream.name);
      if (known === undefined) {
        const created = new MemoryStream(stream, this.#clock, (row, previous) =>
          this.#onStored(row, created.plan, previous),
        );
        this.#streams.set(stream.name, created);
      } else {
        for (const consumer of stream.consumers) {
          if (!known.consumers.has(consumer.name)) known.addConsumer(consumer);
        }
      }
    }
    for (const bucket of plan.buckets) {
      if (!this.#buckets.has(bucket.name)) this.#buckets.set(bucket.name, new MemoryBucket(bucket, this.#clock));
    }
    this.#changed();
  }

  compare(plan: StorePlan): Difference[] {
    return compareStores(plan, this.#plan);
  }

  /** The stream that takes what is published on a subject. */
  streamAt(subject: string): MemoryStream | undefined {
    for (const stream of this.#streams.values()) if (stream.takes(subject)) return stream;
    return undefined;
  }

  /**
   * Stores what was sent to one certain stream.
   *
   * @throws BusError `TERABUS_STREAM_UNAVAILABLE`, `TERABUS_STREAM_MISMATCH`, `TERABUS_STREAM_FULL`
   */
  store(arrival: Arrival, wanted: string, messageId: string): Stored {
    const stream = this.streamAt(arrival.subject);
    if (stream === undefined) {
      throw new BusError(`no stream takes what is published at ${arrival.subject}`, {
        reason: 'TERABUS_STREAM_UNAVAILABLE',
        details: { stream: wanted, subject: arrival.subject },
      });
    }
    if (stream.plan.name !== wanted) {
      throw new BusError(`${arrival.subject} lies in the stream '${stream.plan.name}', not in '${wanted}'`, {
        reason: 'TERABUS_STREAM_MISMATCH',
        details: { stream: wanted, subject: arrival.subject },
      });
    }
    return stream.store(arrival, messageId);
  }

  /** @throws BusError `TERABUS_STREAM_MISSING` */
  stream(name: string): MemoryStream {
    const stream = this.#streams.get(name);
    if (stream !== undefined) return stream;
    throw new BusError(`there is no stream '${name}'`, {
      reason: 'TERABUS_STREAM_MISSING',
      details: { stream: name },
    });
  }

  hasConsumer(stream: string, name: string): boolean {
    return this.#streams.get(stream)?.consumers.has(name) === true;
  }

  /** @throws BusError `TERABUS_CONSUMER_MISSING` */
  consumer(stream: string, name: string): MemoryConsumer {
    const consumer = this.#streams.get(stream)?.consumers.get(name);
    if (consumer !== undefined) return consumer;
    throw new BusError(`there is no consumer '${name}' of a stream '${stream}'`, {
      reason: 'TERABUS_CONSUMER_MISSING',
      details: { stream, consumer: name },
    });
  }

  /** @throws BusError `TERABUS_BUCKET_MISSING` */
  bucket(name: string): MemoryBucket {
    const bucket = this.#buckets.get(name);
    if (bucket !== undefined) return bucket;
    throw new BusError(`there is no bucket '${name}'`, {
      reason: 'TERABUS_BUCKET_MISSING',
      details: { bucket: name },
    });
  }

  deleteStream(name: string): void {
    this.stream(name).end();
    this.#streams.delete(name);
    this.#changed();
  }

  deleteConsumer(stream: string, name: string): void {
    this.consumer(stream, name).end();
    this.stream(stream).consumers.delete(name);
    this.#changed();
  }

  updateStream(name: string, changes: Partial<Omit<StreamPlan, 'name' | 'consumers'>>): void {
    this.stream(name).alter(changes);
    this.#changed();
  }

  updateConsumer(stream: string, name: string, changes: ConsumerChanges): void {
    this.consumer(stream, name).alter(changes);
    this.#changed();
  }

  deleteBucket(name: string): void {
    this.bucket(name);
    this.#buckets.delete(name);
    this.#changed();
  }

  get #plan(): StorePlan {
    return {
      streams: [...this.#streams.values()].map(({ plan }) => plan),
      buckets: [...this.#buckets.values()].map(({ plan }) => plan),
    };
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Whether the plan has no right to make what is missing there: a stream of somebody else. */
  #isNotOurs({ streams }: StorePlan, where: string): boolean {
    return streams.some(({ name, owned }) => !owned && where === `stream '${name}'`);
  }
}
