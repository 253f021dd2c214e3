import type { Clock, DurableSettings, HandlerContext, Topic, Wrapper } from '@terabus/core';
import { checkedSubject, printable, systemClock } from '@terabus/core/transport';
import { BusError } from '@terabus/messages';
import { monotonicFactory } from 'ulid';
import { encodeContent } from './content.js';
import type { Database, Query } from './database.js';
import { storedHeaders } from './headers.js';
import { type TableNames, type Tables, tablesOf } from './names.js';
import { wholeNumber } from './options.js';
import { type Relay, type RelayOptions, RunningRelay } from './relay.js';
import { type OutboxState, Shelf, type Stuck } from './shelf.js';
import { inTransaction } from './transaction.js';

export type { OutboxState, Stuck } from './shelf.js';

/** A topic whose messages are stored by the server too. */
export type DurableTopic = Topic<Wrapper, unknown, string, DurableSettings>;

/** What `new SqlOutbox` is told. */
export interface OutboxOptions {
  /**
   * All topics, and families of topics, that are stored and sent; what a relay doesn't have here, it leaves alone. They
   * are durable ones: what no stream keeps is lost to whoever does not listen, and has no id that stays the same.
   */
  readonly topics: readonly { readonly definition: DurableTopic['definition'] }[];
  /** Where the tables are. */
  readonly names?: TableNames | undefined;
  /**
   * The most bytes that a message may have, without its envelope. Defaults to 1,000,000: a NATS server takes 1 MiB
   * with envelope and headers, unless it was told otherwise.
   */
  readonly maxMessageBytes?: number | undefined;
  /** Defaults to the machine's. */
  readonly clock?: Clock | undefined;
}

/** Options of one message. */
export interface StoreOptions {
  /** More headers. Names may not start with `Nats-` or `Terabus-`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The context of the handler that stores it: the message goes on with its trace. */
  readonly context?: Pick<HandlerContext, 'headers'> | undefined;
}

/**
 * Messages that are stored in the transaction of what they tell of, and sent after its commit by a {@link Relay}: none
 * is lost and none is invented, wherever a process ends. They are sent at least once, always with the same message id.
 */
export class SqlOutbox {
  readonly #database: Database;
  readonly #tables: Tables;
  readonly #topics = new Map<string, DurableTopic['definition']>();
  readonly #maxMessageBytes: number;
  readonly #clock: Clock;
  readonly #ulid = monotonicFactory();
  readonly #shelf: Shelf;
  readonly #relays = new Set<RunningRelay>();
  /** The transactions in which something was stored. */
  readonly #used = new WeakSet<Query>();

  /** @throws BusError `TERABUS_OPTIONS_INVALID`, `TERABUS_CONTRACT_MISMATCH` */
  constructor(database: Database, { topics, names, maxMessageBytes = 1_000_000, clock = systemClock }: OutboxOptions) {
    this.#database = database;
    this.#tables = tablesOf(names);
    this.#maxMessageBytes = wholeNumber('maxMessageBytes', maxMessageBytes, 1);
    this.#clock = clock;
    this.#shelf = new Shelf(database, this.#tables);
    for (const { definition } of topics) {
      if (definition.durable === undefined) throw notDurable(definition.template);
      const known = this.#topics.get(definition.template);
      if (known !== undefined && known.digest !== definition.digest) throw mismatch(definition.template);
      this.#topics.set(definition.template, definition);
    }
  }

  /**
   * Stores one message, text or piece of bytes in the caller's transaction. Resolves with its message id. Rejects when
   * it could never be sent, or can't be stored: let the transaction fail then.
   *
   * @throws BusError `TERABUS_NOT_DECLARED`, `TERABUS_TOPIC_INVALID`, `TERABUS_TYPE_NOT_CARRIED`,
   * `TERABUS_HEADER_INVALID`, `TERABUS_PAYLOAD_TOO_LARGE`, `TERABUS_MESSAGE_INVALID`, and what the type's own checks throw
   */
  publish<W extends 'event' | 'text' | 'bytes', P>(
    query: Query,
    topic: Topic<W, P, string, DurableSettings>,
    payload: NoInfer<P>,
    options?: StoreOptions,
  ): Promise<string> {
    return this.#store(query, 'publish', topic as Topic, [payload], options);
  }

  /** Stores several messages that go into one `TeraEvent`. Otherwise as {@link publish}. */
  publishAll<P>(
    query: Query,
    topic: Topic<'event', P, string, DurableSettings>,
    messages: readonly NoInfer<P>[],
    options?: StoreOptions,
  ): Promise<string> {
    return this.#store(query, 'publish', topic as Topic, messages, options);
  }

  /** Stores one module message for a mailbox. A tracked one gets its number when it is sent. As {@link publish}. */
  send<P>(
    query: Query,
    mailbox: Topic<'module-message', P, string, DurableSettings>,
    message: NoInfer<P>,
    options?: StoreOptions,
  ): Promise<string> {
    return this.#store(query, 'send', mailbox as Topic, [message], options);
  }

  /**
   * Runs `work` in a transaction, and tells the relays of this process when something was stored. In transactions that
   * are made otherwise, {@link poke} after the commit does that; without it a relay looks within a second.
   *
   * @throws BusError `TERABUS_TRANSACTION_FAILED`, and what `work` and the database throw
   */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const { result, query } = await inTransaction(this.#database, async (query) => ({
      result: await work(query),
      query,
    }));
    this.committed(query);
    return result;
  }

  /** Tells the relays of this process that there may be something to send. */
  poke(): void {
    for (const relay of this.#relays) relay.poke();
  }

  /** The same, if something was stored with this query. For what makes transactions for others. */
  committed(query: Query): void {
    if (this.#used.has(query)) this.poke();
  }

  /**
   * Sends what is stored, from now on until it is stopped. Any number of instances may have a relay: one of them sends,
   * another takes over when it stops, or has been silent for `leaseMs`.
   *
   * @throws BusError `TERABUS_OPTIONS_INVALID`
   */
  relay(options: RelayOptions): Relay {
    const relay = new RunningRelay(options, {
      shelf: this.#shelf,
      holder: this.#ulid(this.#clock.now()),
      topics: this.#topics,
      ended: () => this.#relays.delete(relay),
    });
    this.#relays.add(relay);
    return relay;
  }

  /** How much waits, and how much has failed. */
  state(): Promise<OutboxState> {
    return this.#shelf.state();
  }

  /** The messages that were given up, in their order, at most `limit` of them (100 by default). */
  failed(limit = 100): Promise<readonly Stuck[]> {
    return this.#shelf.failed(wholeNumber('limit', limit, 1));
  }

  /** Lets a message that was given up be sent after all, in front of what came after it. False if there is none. */
  async again(messageId: string): Promise<boolean> {
    const found = await this.#shelf.again(messageId);
    if (found) this.poke();
    return found;
  }

  /** Removes a message that was given up. False if there is none. */
  discard(messageId: string): Promise<boolean> {
    return this.#shelf.discard(messageId);
  }

  async #store(
    query: Query,
    kind: 'publish' | 'send',
    topic: Topic,
    messages: readonly unknown[],
    options: StoreOptions = {},
  ): Promise<string> {
    this.#check(topic, kind);
    if (messages.length === 0) {
      throw new BusError(`${kind} to '${topic.name}' has no message to store`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
    }
    const nowMs = this.#clock.now();
    const content = encodeContent(topic, messages, nowMs);
    if (content.length > this.#maxMessageBytes) {
      throw new BusError(
        `what is to be stored for '${topic.name}' has ${content.length} bytes: at most ${this.#maxMessageBytes} can be sent`,
        { reason: 'TERABUS_PAYLOAD_TOO_LARGE' },
      );
    }
    const headers = storedHeaders(options);
    const messageId = this.#ulid(nowMs);
    await query(
      `insert into ${this.#tables.outbox} (message_id, topic, template, content, headers)
       values ($1, $2, $3, decode($4, 'base64'), $5)`,
      [messageId, topic.name, topic.definition.template, Buffer.from(content).toString('base64'), headers],
    );
    this.#used.add(query);
    return messageId;
  }

  #check(topic: Topic, kind: 'publish' | 'send'): void {
    const { definition, name } = topic;
    if (topic.kind !== 'topic' || (definition.wrapper === 'module-message') !== (kind === 'send')) {
      const takes = kind === 'send' ? 'a mailbox (a topic of module messages)' : 'a topic of events, text or bytes';
      throw new BusError(`${kind} of an outbox takes ${takes}, not ${printable(name)}`, {
        reason: 'TERABUS_TOPIC_INVALID',
      });
    }
    const declared = this.#topics.get(definition.template);
    if (declared === undefined) {
      throw new BusError(`the outbox has no topic '${definition.template}': name it in its option 'topics'`, {
        reason: 'TERABUS_NOT_DECLARED',
      });
    }
    if (declared.digest !== definition.digest) throw mismatch(definition.template);
    checkedSubject(name, undefined);
  }
}

const notDurable = (template: string) =>
  new BusError(`an outbox is for durable topics, and '${template}' is none`, { reason: 'TERABUS_OPTIONS_INVALID' });

const mismatch = (template: string) =>
  new BusError(`the outbox knows another definition of '${template}' than the one that is used here`, {
    reason: 'TERABUS_CONTRACT_MISMATCH',
  });
