import type { Message } from '@terabus/messages';
import type {
  Contract,
  Source,
  Topic,
  TopicDefinition,
  TopicFamily,
  TypeOrFamily,
  Usable,
  Wrapper,
} from '../contract/contract.js';
import type { Durability } from '../contract/durable.js';
import type { Client } from '../contract/rpc-types.js';
import type { BatchingFamilyPublisher, BatchingOptions, BatchingPublisher } from '../publishing/batching.js';
import type { Chain } from '../publishing/chain.js';
import type { PublishOptions, Receipt } from '../publishing/options.js';
import type { EventContext, TrackedContext } from '../routing/context.js';
import type { Stored } from '../transport/streams.js';

/**
 * The templates of the topics that a service may speak on: its contract's own, and what its `uses` name (of a used
 * contract, the mailbox). Any text where the class says nothing in its type.
 */
export type SpokenTopic<Own, Uses> = Usable extends Uses
  ? string
  : TopicsOf<Own> | (Uses extends Contract<string, unknown, infer Mailbox> ? TemplateOf<Mailbox> : TemplateOf<Uses>);

/** The templates of the topics that a service may listen to while it runs: the same, and the events of a used contract. */
export type HeardTopic<Own, Uses> = Usable extends Uses
  ? string
  : TopicsOf<Own> | (Uses extends Contract<string, infer Events> ? TemplateOf<Events> : TemplateOf<Uses>);

type TopicsOf<C> =
  C extends Contract<string, infer Events, infer Mailbox> ? TemplateOf<Events> | TemplateOf<Mailbox> : never;
type TemplateOf<T> = T extends { readonly definition: TopicDefinition<Wrapper, unknown, infer N> } ? N : never;

/** The addresses that a service may call. Any text where the class says nothing in its type. */
export type CalledAddress<Own, Uses> = Usable extends Uses ? string : AddressOf<Own> | AddressOf<Uses>;

type AddressOf<T> = T extends { readonly address: infer A extends string } ? A : never;

/** A handler of messages that a service adds while it runs. */
export type MessageHandler<W extends Wrapper, T> = (
  message: T,
  context: W extends 'module-message' ? TrackedContext : EventContext,
) => unknown;

/** A subscription that a service made while it runs. */
export interface Subscription {
  /**
   * Ends it: no new message is taken, those that wait and run are finished. Resolves when that is so. The drain of
   * the host ends what wasn't ended before. A handler that ends its own subscription must not await this: it would
   * wait for itself.
   */
  stop(): Promise<void>;
}

/**
 * What a service can do to the world. `TeraService` has these as methods; a helper class asks for it with
 * `@inject(Bus)` and gets that of the service it is built for.
 */
export interface Bus<Own extends Contract = Contract, Uses = Usable> {
  /**
   * Publishes one message in a `TeraEvent` of its own (OpenTera's clients read only the first of several), or text,
   * or bytes. Resolves when it was handed to the connection, or with `confirm` when the server has it; rejects with a
   * `BusError` when it wasn't. What was handed over and may not have arrived is told to observers as `unconfirmed`.
   *
   * To a durable topic it resolves when the message is stored, with its place in the stream. It is tried for `timeoutMs`,
   * under one id, so that nothing is stored twice; then it rejects with `TERABUS_STORE_UNKNOWN` where the message may be
   * stored (the same `messageId` again finds out), and with any other reason where it is not.
   */
  publish<W extends 'event' | 'text' | 'bytes', P, D extends Durability>(
    topic: Topic<W, P, SpokenTopic<Own, Uses>, D>,
    payload: NoInfer<P>,
    options?: PublishOptions,
  ): Promise<Receipt<D>>;

  /** Publishes several messages in one `TeraEvent`, for topics whose readers are all Terabus; nothing for none, and then there is no receipt. */
  publishAll<P, D extends Durability>(
    topic: Topic<'event', P, SpokenTopic<Own, Uses>, D>,
    messages: readonly NoInfer<P>[],
    options?: PublishOptions,
  ): Promise<Receipt<D> | undefined>;

  /**
   * A publisher that puts several messages into one `TeraEvent`, for a topic whose readers are all Terabus, or for the
   * topics of a family. It sends when as many are there as an envelope takes (`maxMessages`, `maxBytes`), when they have waited for
   * `lingerMs`, and when the service drains. It ends with the service: what is added behind `onStop` is refused with
   * `TERABUS_DRAINING`. Each envelope begins a chain of its own, since its messages may have several causes.
   *
   * It may be made before the service is started, as a field of its class.
   *
   * @throws BusError `TERABUS_TOPIC_INVALID` or `TERABUS_OPTIONS_INVALID`
   */
  batching<P, N extends SpokenTopic<Own, Uses>, D extends Durability>(
    family: TopicFamily<'event', P, N, D>,
    options?: BatchingOptions,
  ): BatchingFamilyPublisher<P, N, D>;
  batching<P, D extends Durability>(
    topic: Topic<'event', P, SpokenTopic<Own, Uses>, D>,
    options?: BatchingOptions,
  ): BatchingPublisher<P, D>;

  /** Sends one message in a `TeraModuleMessage`; on a tracked mailbox it gets the next sequence number. */
  send<P, D extends Durability>(
    mailbox: Topic<'module-message', P, SpokenTopic<Own, Uses>, D>,
    message: NoInfer<P>,
    options?: PublishOptions,
  ): Promise<Receipt<D>>;

  /** The methods of a contract as typed functions. */
  client<C extends Contract<CalledAddress<Own, Uses>>>(contract: C): Client<C>;

  /**
   * Handles messages of a type, or family, of a topic from now on, by the same rules as decorated handlers. Resolves
   * when messages published from now on arrive.
   */
  subscribe<W extends 'event' | 'module-message', P extends Message, T extends P>(
    source: Source<W, P, HeardTopic<Own, Uses>>,
    type: TypeOrFamily<T>,
    handler: MessageHandler<W, T>,
  ): Promise<Subscription>;
  /** Handles the text or bytes of a topic from now on. */
  subscribe<W extends 'text' | 'bytes', P>(
    source: Source<W, P, HeardTopic<Own, Uses>>,
    handler: MessageHandler<W, P>,
  ): Promise<Subscription>;
}

/** The same, for contexts: each message or call is part of a chain. */
export interface ChainedBus {
  publish(
    kind: 'publish' | 'send',
    topic: Topic,
    messages: readonly unknown[],
    chain: Chain,
    options: PublishOptions | undefined,
  ): Promise<Stored | undefined>;
  client<C extends Contract>(contract: C, chain: Chain): Client<C>;
}
