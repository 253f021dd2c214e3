import { BusError, type Message, type MessageType, TeraEventDraft } from '@terabus/messages';
import type { Topic, TopicDefinition } from '../contract/contract.js';
import { deferred } from '../service/deferred.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { Stored } from '../transport/streams.js';
import { type BatchingSettings, checkOfFamily } from './batching.js';
import type { PublishOptions } from './options.js';
import { carriedType, sealedBefore } from './pack.js';

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

/** The messages of one envelope, until it is sealed. */
class Batch {
  readonly topic: Topic;
  readonly messages: unknown[] = [];
  /** The numbers of the first and of the last message. */
  readonly first: number;
  last: number;
  /** One for all: what fails from now on fails for all of them. */
  readonly outcome = deferred<Stored | undefined>();
  readonly #maxBytes: number;
  readonly #draft: TeraEventDraft;

  constructor(topic: Topic, first: number, maxBytes: number) {
    this.topic = topic;
    this.first = first;
    this.last = first;
    this.#maxBytes = maxBytes;
    this.#draft = new TeraEventDraft(topic.name);
  }

  get bytes(): number {
    return this.#draft.size;
  }

  get isFull(): boolean {
    return this.#draft.size >= this.#maxBytes;
  }

  /** Encodes a message into the envelope; false where it has no room beside others. */
  add(type: MessageType, message: unknown, n: number): boolean {
    const { size } = this.#draft;
    this.#draft.add(type, message as Message);
    if (this.#draft.size > this.#maxBytes && this.messages.length > 0) {
      this.#draft.cut(size);
      return false;
    }
    this.messages.push(message);
    this.last = n;
    return true;
  }

  /** Its messages, as one envelope. */
  sealed(time: number): readonly unknown[] {
    return sealedBefore(this.messages, { topic: this.topic.name, bytes: this.#draft.finish(time) });
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
  /** While it is, nothing else is written, and nothing sealed. */
  #encoding = false;

  /** @param definition of the topic, or of all topics of the family */
  constructor(definition: TopicDefinition, settings: BatchingSettings, findHome: () => BatchingHome) {
    this.#definition = definition;
    this.#settings = settings;
    this.#findHome = findHome;
  }

  /** Every error is a rejection. */
  publish(topic: Topic, message: unknown): Promise<Stored | undefined> {
    // By a getter of a message that is being encoded: its turn comes behind that one.
    if (this.#encoding) return Promise.resolve().then(() => this.publish(topic, message));
    this.#count += 1;
    const n = this.#count;
    try {
      if (topic?.definition !== this.#definition) checkOfFamily(topic, this.#definition);
      return this.#add(topic, carriedType(topic, message), message, n).outcome.promise;
    } catch (error) {
      return rejected(BusError.from(error), topic, n);
    }
  }

  async flush(): Promise<void> {
    this.seal();
    await Promise.all(this.#underWay);
  }

  /** Publishes all that waits. */
  seal(): void {
    // Whoever encodes seals what is full, and what waits has its time.
    if (this.#encoding) return;
    for (const batch of [...this.#open.values()]) {
      // What an interceptor or an observer of one publishes may have filled another.
      if (this.#open.get(batch.topic.name) === batch) this.#seal(batch);
    }
  }

  /** Adds it to the envelope of its topic, or to a new one. */
  #add(topic: Topic, type: MessageType, message: unknown, n: number): Batch {
    for (let batch = this.#open.get(topic.name); batch !== undefined; batch = this.#open.get(topic.name)) {
      const before = batch.bytes;
      if (this.#encode(batch, type, message, n)) return this.#added(batch, before);
      // An interceptor may begin the next one.
      this.#seal(batch);
    }
    this.#home ??= this.#findHome();
    const refused = this.#home.refused();
    if (refused !== undefined) throw refused;
    const batch = new Batch(topic, n, Math.min(this.#settings.maxBytes, this.#home.maxPayloadBytes / 2));
    this.#encode(batch, type, message, n);
    if (this.#open.size === 0) {
      this.#home.busy(this);
      this.#await(this.#home);
    }
    this.#open.set(topic.name, batch);
    return this.#added(batch, 0);
  }

  #encode(batch: Batch, type: MessageType, message: unknown, n: number): boolean {
    this.#encoding = true;
    try {
      return batch.add(type, message, n);
    } finally {
      this.#encoding = false;
    }
  }

  #added(batch: Batch, bytesBefore: number): Batch {
    this.#openBytes += batch.bytes - bytesBefore;
    if (batch.messages.length >= this.#settings.maxMessages || batch.isFull) this.#seal(batch);
    else if (this.#openBytes >= MOST_BYTES) this.seal();
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
    const landed = () => {
      this.#underWay.delete(underWay);
      if (this.#underWay.size === 0 && this.#open.size === 0) this.#home?.idle(this);
    };
    const underWay: Promise<void> = this.#publish(this.#home as BatchingHome, batch).then(
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

  async #publish(home: BatchingHome, batch: Batch): Promise<Stored | undefined> {
    return home.publish(batch.topic, batch.sealed(home.clock.now() / 1_000), this.#settings.options);
  }
}

/** That of one message. A loop that tries again at once must not keep the event loop from turning where nothing will do. */
function rejected(error: BusError, topic: Topic | undefined, n: number): Promise<never> {
  const named = naming(error, topic, n, n);
  if (error.reason !== 'TERABUS_DRAINING') return Promise.reject(named);
  return new Promise((_, reject) => setImmediate(() => reject(named)));
}

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
