import { BusError } from '@terabus/messages';
import type { Topic } from '../contract/contract.js';
import type { ChainedBus } from '../service/bus.js';
import type { Clock } from '../transport/clock.js';
import type { Transport } from '../transport/transport.js';
import { Batcher, type BatchingHome } from './batcher.js';
import { type BatchingOptions, type BatchingSource, batchingSettings } from './batching.js';
import { NEW_CHAIN } from './chain.js';
import type { PublishOptions } from './options.js';

/** What {@link Batches} is made of. */
export interface BatchesParts {
  /** The address of the service, for sentences. */
  readonly service: string;
  readonly clock: Clock;
  readonly transport: Pick<Transport, 'maxPayloadBytes'>;
  readonly chained: Pick<ChainedBus, 'publish'>;
}

/** What a service has in envelopes that are being filled, and what becomes of it when the service ends. */
export class Batches implements BatchingHome {
  readonly clock: Clock;
  readonly #parts: BatchesParts;
  readonly #busy = new Set<Batcher>();
  #hurried = false;
  #ended = false;

  constructor(parts: BatchesParts) {
    this.#parts = parts;
    this.clock = parts.clock;
  }

  get maxPayloadBytes(): number {
    return this.#parts.transport.maxPayloadBytes;
  }

  get hurried(): boolean {
    return this.#hurried;
  }

  publish(topic: Topic, messages: readonly unknown[], options: PublishOptions | undefined) {
    return this.#parts.chained.publish('publish', topic, messages, NEW_CHAIN, options);
  }

  refused(): BusError | undefined {
    if (!this.#ended) return undefined;
    return new BusError(`${this.#parts.service} has ended and takes nothing more`, { reason: 'TERABUS_DRAINING' });
  }

  busy(batcher: Batcher): void {
    this.#busy.add(batcher);
  }

  idle(batcher: Batcher): void {
    this.#busy.delete(batcher);
  }

  /** Publishes all that waits. */
  seal(): void {
    for (const batcher of [...this.#busy]) batcher.seal();
  }

  /** From now on nothing waits for others any longer than this turn of the event loop. */
  hurry(): void {
    this.#hurried = true;
    this.seal();
  }

  /** Publishes all that waits, and takes nothing more. Resolves when all of it is settled. Never rejects. */
  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#busy].map((batcher) => batcher.flush()));
  }
}

/**
 * A publisher that batches, for a topic or for the topics of a family.
 *
 * @param findHome is asked with the first message; what it throws rejects it
 * @throws BusError `TERABUS_TOPIC_INVALID` or `TERABUS_OPTIONS_INVALID`
 */
export function openBatching(source: BatchingSource, options: BatchingOptions | undefined, findHome: () => Batches) {
  const settings = batchingSettings(source, options);
  const batcher = new Batcher(source.definition, settings, findHome);
  const flush = () => batcher.flush();
  return source.kind === 'topic'
    ? { publish: (message: unknown) => batcher.publish(source, message), flush }
    : { publish: (topic: Topic, message: unknown) => batcher.publish(topic, message), flush };
}
