import { type Any, BusError, packAny } from '@terabus/messages';
import type { Topic, TopicDefinition } from '../contract/contract.js';
import { deferred } from '../service/deferred.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { Stored } from '../transport/streams.js';
import { type BatchingSettings, checkOfFamily } from './batching.js';
import type { PublishOptions } from './options.js';
import { carriedType, packedBefore } from './pack.js';

/** What a service is to those of its publishers that batch. */
export interface BatchingHome {
  readonly clock: Clock;
  /** The largest message that can be sent, in bytes. */
  readonly maxPayloadBytes: number;
  /** Whether nobody waits for others any more: the drain has begun. */
  readonly hurried: boolean;
  /** Why nothing is taken any more; undefined while it is. */
  refused(): BusError | undefined;
  publish(topic: Topic, messages: readonly unknown[], options: PublishOptions | undefined): Promise<Stored | undefined>;
  /** It has something that is not settled yet. */
  busy(batcher: Batcher): void;
  idle(batcher: Batcher): void;
}

/** Over all topics of a family; then all that wait are sent. */
const MOST_BYTES = 2 ** 20;
/** Tags and lengths of a message in its envelope, with some to spare. */
const BESIDE = 16;

/** The messages of one envelope, until it is sealed. */
class Batch {
  readonly topic: Topic;
  readonly messages: unknown[] = [];
  readonly packed: Any[] = [];
  /** The numbers of the first and of the last message. */
  readonly first: number;
  last: number;
  bytes = 0;
  readonly maxBytes: number;
  /** One for all: what fails from now on fails for all of them. */
  readonly outcome = deferred<Stored | undefined>();

  constructor(topic: Topic, first: number, maxBytes: number) {
    this.topic = topic;
    this.first = first;
    this.last = first;
    this.maxBytes = maxBytes;
  }
}

/** Fills envelopes, one for each topic at a time, and publishes those that are full or have waited long enough. */
export class Batcher {
  readonly #definition: TopicDefinition;
  readonly #settings: BatchingSettings;
  /** A service's own publishers are made before it has a bus. */
  readonly #findHome: () => BatchingHome;
  #home: BatchingHome | undefined;
  /** By the names of their topics. */
  readonly #open = new Map<string, Batch>();
  #openBytes = 0;
  /** How many messages it was given: their numbers. */
  #count = 0;
  readonly #underWay = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #turnIsAwaited = false;

  /** @param definition of the topic, or of all topics of the family */
  constructor(definition: TopicDefinition, settings: BatchingSettings, findHome: () => BatchingHome) {
    this.#definition = definition;
    this.#settings = settings;
    this.#findHome = findHome;
  }

  /** Every error is a rejection. */
  publish(topic: Topic, message: unknown): Promise<Stored | undefined> {
    this.#count += 1;
    const n = this.#count;
    try {
      if (topic?.definition !== this.#definition) checkOfFamily(topic, this.#definition);
      const packed = packAny(carriedType(topic, message), message as never);
      const bytes = packed.typeUrl.length + packed.value.length + BESIDE;
      let batch = this.#open.get(topic.name);
      while (batch !== undefined && batch.bytes + bytes > batch.maxBytes) {
        this.#seal(batch);
        // An interceptor may have begun the next one.
        batch = this.#open.get(topic.name);
      }
      if (batch === undefined) {
        this.#home ??= this.#findHome();
        const refused = this.#home.refused();
        if (refused !== undefined) return rejectedAfterTurn(naming(refused, topic, n, n));
        batch = this.#begin(this.#home, topic, n);
      }
      batch.messages.push(message);
      batch.packed.push(packed);
      batch.last = n;
      batch.bytes += bytes;
      this.#openBytes += bytes;
      if (batch.messages.length >= this.#settings.maxMessages || batch.bytes >= batch.maxBytes) this.#seal(batch);
      else if (this.#openBytes >= MOST_BYTES) this.seal();
      return batch.outcome.promise;
    } catch (error) {
      return Promise.reject(naming(BusError.from(error), topic, n, n));
    }
  }

  async flush(): Promise<void> {
    this.seal();
    await Promise.all(this.#underWay);
  }

  /** Publishes all that waits. */
  seal(): void {
    for (const batch of [...this.#open.values()]) this.#seal(batch);
  }

  #begin(home: BatchingHome, topic: Topic, n: number): Batch {
    const batch = new Batch(topic, n, Math.min(this.#settings.maxBytes, home.maxPayloadBytes / 2));
    if (this.#open.size === 0) {
      home.busy(this);
      this.#await(home);
    }
    this.#open.set(topic.name, batch);
    return batch;
  }

  #await({ clock, hurried }: BatchingHome): void {
    const { lingerMs } = this.#settings;
    if (lingerMs > 0 && !hurried) {
      this.#timer = clock.setTimer(lingerMs, () => this.seal());
    } else if (!this.#turnIsAwaited) {
      this.#turnIsAwaited = true;
      setImmediate(() => {
        this.#turnIsAwaited = false;
        this.seal();
      });
    }
  }

  #seal(batch: Batch): void {
    const { topic, first, last, bytes } = batch;
    this.#open.delete(topic.name);
    this.#openBytes -= bytes;
    if (this.#open.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    const home = this.#home as BatchingHome;
    const landed = () => {
      this.#underWay.delete(underWay);
      if (this.#underWay.size === 0 && this.#open.size === 0) home.idle(this);
    };
    const underWay: Promise<void> = home
      .publish(topic, packedBefore(batch.messages, batch.packed), this.#settings.options)
      .then(
        (stored) => {
          landed();
          batch.outcome.resolve(stored);
        },
        (error: unknown) => {
          landed();
          batch.outcome.reject(naming(BusError.from(error), topic, first, last));
        },
      );
    this.#underWay.add(underWay);
  }
}

/** A loop that tries again at once must not keep the event loop from turning. */
const rejectedAfterTurn = (error: BusError): Promise<never> =>
  new Promise((_, reject) => setImmediate(() => reject(error)));

/** The same error, with the messages that it is about. */
function naming(error: BusError, topic: Topic | undefined, first: number, last: number): BusError {
  const { code, reason, rawMessage, details } = error;
  const one = first === last;
  const which = one ? `message ${first}` : `messages ${first} to ${last}, in one envelope,`;
  // Its id is that of them all: published again with one of them alone, it would take the others for stored.
  const advice = !one && reason === 'TERABUS_STORE_UNKNOWN' ? ', with all of these messages, by publishAll' : '';
  return new BusError(`${which} for '${topic?.name}': ${rawMessage}${advice}`, {
    code,
    reason,
    details: {
      ...details,
      topic: topic?.name,
      ...(one ? { message: first } : { firstMessage: first, lastMessage: last }),
    },
    cause: error,
  });
}
