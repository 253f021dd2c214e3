import type { Message, MessageFamily, MessageType } from '@terabus/messages';
import type { z } from 'zod';
import type { ParameterKind } from '../rpc/values.js';
import type { TopicParameters } from '../topics/template.js';
import type { ConsumerStart } from '../transport/store-plan.js';
import type { Durability } from './durable.js';

/**
 * What travels on a topic: a `TeraEvent`, a `TeraModuleMessage`, plain text, or bytes. A topic does not tell its
 * wrapper by its name: `module.TeraServer.TwistedModule.events.<uuid>` carries a TeraModuleMessage.
 */
export type Wrapper = 'event' | 'module-message' | 'text' | 'bytes';

/** What is fixed about a topic, or about all topics of a family. Plain data, but for the types it holds. */
export interface TopicDefinition<
  W extends Wrapper = Wrapper,
  P = unknown,
  N extends string = string,
  D extends Durability = Durability,
> {
  /** The name with its parameters, as given: `websocket.user.{uuid}.events`. Definitions are compared by it. */
  readonly template: N;
  readonly wrapper: W;
  /** The types it carries, families spread out, by type name. Empty for text and bytes. */
  readonly types: ReadonlyMap<string, MessageType>;
  /** Whether senders number their messages on it. Only module messages can be. */
  readonly tracked: boolean;
  /** How it is stored. Undefined for a topic that isn't: its messages reach whoever listens at that moment. */
  readonly durable: D;
  /** Text that is equal for equal definitions: two copies of a contract are compared by it, never by identity. */
  readonly digest: string;
  /** Exists in types only: what a handler of the topic is given, what `publish` takes. */
  readonly payload?: P;
}

/** What a handler can be bound to: a topic, a pattern, or either with delivery options. */
export interface Source<
  W extends Wrapper = Wrapper,
  P = unknown,
  N extends string = string,
  D extends Durability = Durability,
> {
  readonly kind: 'topic' | 'pattern' | 'delivery';
  readonly definition: TopicDefinition<W, P, N, D>;
  /** In subject spelling; a topic's is its own subject. */
  readonly pattern: string;
}

/** One topic, to publish to and to subscribe to. */
export interface Topic<
  W extends Wrapper = Wrapper,
  P = unknown,
  N extends string = string,
  D extends Durability = Durability,
> extends Source<W, P, N, D> {
  readonly kind: 'topic';
  /** As OpenTera spells it. */
  readonly name: string;
}

/** All topics of a family, to subscribe to. */
export interface Pattern<
  W extends Wrapper = Wrapper,
  P = unknown,
  N extends string = string,
  D extends Durability = Durability,
> extends Source<W, P, N, D> {
  readonly kind: 'pattern';
}

/** Topics that differ in named tokens: call it with the tokens' values for a topic, take `.all` for the pattern. */
export interface TopicFamily<
  W extends Wrapper = Wrapper,
  P = unknown,
  N extends string = string,
  D extends Durability = Durability,
> {
  (parameters: TopicParameters<N>): Topic<W, P, N, D>;
  readonly kind: 'family';
  readonly definition: TopicDefinition<W, P, N, D>;
  readonly all: Pattern<W, P, N, D>;
}

/** How messages of a topic that is not durable reach the handlers of a service. */
export interface CoreDeliveryOptions<P = unknown> {
  /**
   * Every instance of the service gets every message, instead of the instances sharing them. Defaults to false:
   * with shared delivery, adding an instance never doubles an effect.
   */
  readonly everyInstance?: boolean;
  /**
   * Messages of different keys may run side by side, messages of one key run one after another in order of arrival.
   * Undefined counts as a key of its own.
   */
  readonly key?: (message: P) => unknown;
  /**
   * How many handlers may run at once. Defaults to 1, and to 64 with a `key`. Above 1 without a key, the order of
   * messages is given up.
   */
  readonly concurrency?: number;
  /**
   * After so many milliseconds a handler counts as failed and its signal aborts. Defaults to 30,000, which is also
   * JetStream's own patience.
   */
  readonly timeoutMs?: number;
  /**
   * For how many milliseconds more a timed-out handler keeps its slot and its key, so that what it still does
   * doesn't overlap with the next message. Defaults to 30,000.
   */
  readonly abandonAfterMs?: number;
  /**
   * How many messages may wait for their turn. Where as many wait, what arrives is dropped unread, whole envelopes at
   * a time: told as `dropped`, counted, logged, and part of the gap that a tracked mailbox sees at the next message
   * it takes. What was taken is handled. Defaults to 4,096: a handler of 10 ms needs 40 s for them, and whoever is
   * further behind does not catch up by waiting.
   */
  readonly maxQueued?: number;
  /**
   * How many bytes may wait for their turn, as they came over the wire, with headers; the last envelope that is taken
   * may go beyond it. Then as with `maxQueued`. Defaults to 16,777,216 (16 MiB).
   */
  readonly maxQueuedBytes?: number;
}

/** How messages reach the handlers of a service. */
export interface DeliveryOptions<P = unknown> extends CoreDeliveryOptions<P> {
  /**
   * Durable topics only. With `'per-key'` a message that is to be tried again holds back those of its `key` until it
   * has been handled or dead-lettered; those of other keys go on. Needs a `key`, and `instances: 'one'`: two readers
   * of one stream would get messages of one key side by side. By default a message that failed is overtaken.
   */
  readonly order?: 'per-key';
  /**
   * Durable topics only. A handler that has finished a message is not given the same message id again: see the host's
   * option `inbox`, which remembers. Defaults to false: a message is given to handlers at least once.
   */
  readonly deduplicate?: boolean;
  /**
   * Durable topics only. Where the group begins when `provision` makes its consumer; it says nothing afterwards.
   * Defaults to 'new', what is stored from then on; for a contract's own mailbox to 'all'.
   */
  readonly start?: ConsumerStart;
  /**
   * Durable topics only. For how many milliseconds an instance may be silent before what it had taken is given to
   * another; handlers that run longer are prolonged by themselves. Defaults to 10,000: a handler that blocks the
   * event loop for longer has its message handled twice.
   */
  readonly ackWaitMs?: number;
  /** Durable topics only. How many messages may be handed out and unfinished, over all instances. Defaults to 1,000. */
  readonly maxAckPending?: number;
  /**
   * Durable topics only. How many messages one instance takes from the stream before they are finished; as many again of
   * those that it tries again. More is not taken: it waits in the stream, and nothing is dropped. Defaults to 256, of which four instances
   * have their share of `maxAckPending`, and with `order` to `maxAckPending`. 512 are a fifth faster where handlers take no time.
   */
  readonly maxUnsettled?: number;
  /**
   * Durable topics only. The same in bytes, with headers; the last message may go beyond it. Defaults to 16,777,216
   * (16 MiB), and with `order` to no limit: all that was handed out has to be here before anything begins.
   */
  readonly maxUnsettledBytes?: number;
}

/** The options that `from` takes for messages `P` of a topic that is stored as `D` says. */
export type DeliveryOptionsOf<P, D extends Durability> = [D] extends [undefined]
  ? CoreDeliveryOptions<P>
  : DeliveryOptions<P>;

/** A topic or pattern with delivery options, made by `from`. */
export interface Delivery<
  W extends Wrapper = Wrapper,
  P = unknown,
  N extends string = string,
  D extends Durability = Durability,
> extends Source<W, P, N, D> {
  readonly kind: 'delivery';
  readonly options: DeliveryOptions<P>;
}

/** One method that a contract offers. */
export interface RpcMethod<
  Address extends string = string,
  Name extends string = string,
  Args extends readonly z.ZodType[] = readonly z.ZodType[],
  Returns extends z.ZodType = z.ZodType,
> {
  readonly kind: 'rpc';
  readonly name: Name;
  /** `module.<name>` or `service.<key>` of the contract. */
  readonly address: Address;
  /** Where it is called: `<address>.rpc`. */
  readonly topic: string;
  readonly args: Args;
  readonly returns: Returns;
  /** How each argument goes on the wire. */
  readonly parameters: readonly ParameterKind[];
  /** The caller's deadline where the call names none, in milliseconds. */
  readonly timeoutMs: number;
  /** Calling it twice does no more than calling it once. */
  readonly idempotent: boolean;
  readonly digest: string;
}

/** How many instances of a service may be active at a time. */
export type Instances = 'one' | 'many';

/** What a module or service offers to the others: plain data, shared by the service and by all who talk to it. */
export interface Contract<
  Address extends string = string,
  Events = unknown,
  Mailbox = unknown,
  Rpc extends Readonly<Record<string, RpcMethod>> = Readonly<Record<string, RpcMethod>>,
> {
  readonly kind: 'module' | 'service';
  /** The module's name (`TeraServer.UserManagerModule`) or the service's key (`LoggingService`). */
  readonly name: string;
  /** `module.<name>` or `service.<key>`: what its topics start with, and the `source` of the messages it sends. */
  readonly address: Address;
  /** More addresses at which its mailbox and its methods are reached, such as `service.<uuid>`. */
  readonly aliases: readonly string[];
  readonly instances: Instances;
  /** Where it tells everybody what happened. Undefined where the contract has none. */
  readonly events: Events;
  /** Where others tell it what to do. Undefined where the contract has none. */
  readonly messages: Mailbox;
  /** The methods that others may call. */
  readonly rpc: Rpc;
  readonly digest: string;
}

/** What `uses` may name: a contract (its mailbox, its methods, and listening to its events), a topic, a family, a method. */
export type Usable = Contract | Topic | { readonly kind: 'family'; readonly definition: TopicDefinition } | RpcMethod;

/** A message type, or a family of types that are handled by one method. */
export type TypeOrFamily<M extends Message = Message> = MessageType<M> | MessageFamily<M>;

/** The message, or union of messages, behind a type or a family of types. */
export type MessagesOf<T> = T extends MessageFamily<infer M> ? M : T extends MessageType<infer M> ? M : never;
