import { setMaxListeners } from 'node:events';
import type { LevelWithSilent, Logger } from 'pino';
import type { Contract, Topic } from '../contract/contract.js';
import type { Durability } from '../contract/durable.js';
import type { Client } from '../contract/rpc-types.js';
import type { DurablePlace } from '../durable/stored-context.js';
import type { Chain } from '../publishing/chain.js';
import { HEADER, MESSAGE_ID } from '../publishing/headers.js';
import type { PublishOptions, Receipt } from '../publishing/options.js';
import type { Verdict } from '../sequencing/verdict.js';
import type { ChainedBus } from '../service/bus.js';
import type { TopicTemplate } from '../topics/template.js';
import type { Clock } from '../transport/clock.js';
import type { Stored } from '../transport/streams.js';
import type { Headers } from '../transport/transport.js';

/** What every handler is told beside its message. */
export interface HandlerContext {
  readonly kind: 'event' | 'module-message' | 'payload' | 'rpc';
  /** The address of the service: `module.<name>` or `service.<key>`. */
  readonly service: string;
  /** `Class.method`. */
  readonly handler: string;
  /** The topic that the message came by. Believe it, whatever a header claims. */
  readonly topic: string;
  /** The values of the topic's parameters, where it is one of a family: `{ uuid: '…' }`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: Headers;
  /**
   * The id of the message: a ULID, or what the publisher of a durable one chose. Undefined for messages of senders that
   * aren't Terabus.
   */
  readonly messageId: string | undefined;
  /** The id of the message in answer to which this one was made. */
  readonly causeId: string | undefined;
  /** Aborts when the handler's time is over, or when the host ends and can't wait any longer. */
  readonly signal: AbortSignal;
  /** How much of the handler's time is left, in milliseconds; 0 when it is over. */
  readonly remainingMs: number;
  /** The service's logger, with topic, handler and message id on each line. It is made when it is asked for. */
  readonly logger: Logger;
  /** Whether the logger writes lines of a level: to ask it costs no logger. */
  logsAt(level: LevelWithSilent): boolean;
  /** Where it is stored. Undefined where it isn't: its topic is not durable. */
  readonly durable: DurablePlace | undefined;

  /** As the service's own `publish`, with the chain of this message: trace, cause, deadline. */
  publish<W extends 'event' | 'text' | 'bytes', P, D extends Durability>(
    topic: Topic<W, P, string, D>,
    payload: NoInfer<P>,
    options?: PublishOptions,
  ): Promise<Receipt<D>>;
  /** As the service's own `publishAll`, with the chain of this message. */
  publishAll<P, D extends Durability>(
    topic: Topic<'event', P, string, D>,
    messages: readonly NoInfer<P>[],
    options?: PublishOptions,
  ): Promise<Receipt<D> | undefined>;
  /** As the service's own `send`, with the chain of this message. */
  send<P, D extends Durability>(
    mailbox: Topic<'module-message', P, string, D>,
    message: NoInfer<P>,
    options?: PublishOptions,
  ): Promise<Receipt<D>>;
  /** As the service's own `client`, with the chain of this message: its calls end when this handler's time does. */
  client<C extends Contract>(contract: C): Client<C>;
}

/** What a handler of events, text or bytes is told. */
export interface EventContext extends HandlerContext {
  readonly kind: 'event' | 'payload';
  /** When it was published, in seconds since the Unix epoch, by the sender's clock. Undefined for text and bytes. */
  readonly time: number | undefined;
}

/** What a handler of module messages is told. */
export interface TrackedContext extends HandlerContext {
  readonly kind: 'module-message';
  /** When it was sent, in seconds since the Unix epoch, by the sender's clock. */
  readonly time: number | undefined;
  /** Who sent it, as it says itself: `module.<name>`, `service.<key>`, free text. Only grants keep senders honest. */
  readonly source: string;
  /** Its number in the sender's count for this destination; 0 where the sender doesn't count, as OpenTera's never do. */
  readonly seq: number;
  /** What the number says: whether it is the next one, and how many before it are missing. */
  readonly verdict: Verdict;
}

/** What a handler of events, text or bytes of a durable topic is told. */
export interface DurableContext extends EventContext {
  readonly durable: DurablePlace;
}

/** What a handler of module messages of a durable topic is told. */
export interface DurableTrackedContext extends TrackedContext {
  readonly durable: DurablePlace;
}

/** What a handler of calls is told. */
export interface RpcContext extends HandlerContext {
  readonly kind: 'rpc';
  readonly method: string;
  /** The caller's number of the call. */
  readonly callId: bigint;
}

/** What a middleware is told, which is around handlers of all kinds: `context.kind` tells them apart. */
export type AnyContext = EventContext | TrackedContext | RpcContext;

/** What is the same for all messages of one handler. */
export interface HandlerPlace {
  readonly service: string;
  readonly handler: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly bus: ChainedBus;
}

/** What is known of a message when it arrives. */
export interface Arrival {
  readonly kind: HandlerContext['kind'];
  readonly topic: string;
  /** When it came, on `clock.elapsed()`. */
  readonly arrivedAt: number;
  /** What the topic is one of. Undefined for calls. */
  readonly template?: TopicTemplate | undefined;
  readonly headers: Headers;
  readonly time?: number | undefined;
  readonly source?: string | undefined;
  readonly seq?: number | undefined;
  readonly verdict?: Verdict | undefined;
  readonly method?: string | undefined;
  readonly callId?: bigint | undefined;
}

const NO_PARAMETERS = Object.freeze({});

// Headers come from outside and go on, to logs and to all messages of the chain: only what is well-formed does.
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[!-~](?:[ -~]{0,510}[!-~])?$/;

const wellFormed = (value: string | undefined, form: RegExp): string | undefined =>
  value !== undefined && form.test(value) ? value : undefined;

/** The context of one message: all kinds in one class, whose parts are made when they are asked for. */
export class Context implements Chain {
  readonly #place: HandlerPlace;
  readonly #arrival: Arrival;
  /** When the handler's time is over, on `clock.elapsed()`. */
  readonly deadline: number;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;
  #onAbort: Set<(reason: Error) => void> | undefined;
  #logger: Logger | undefined;

  constructor(place: HandlerPlace, arrival: Arrival, deadline: number) {
    this.#place = place;
    this.#arrival = arrival;
    this.deadline = deadline;
  }

  get kind() {
    return this.#arrival.kind;
  }
  get service(): string {
    return this.#place.service;
  }
  get handler(): string {
    return this.#place.handler;
  }
  get topic(): string {
    return this.#arrival.topic;
  }
  get parameters(): Readonly<Record<string, string>> {
    return this.#arrival.template?.match(this.topic) ?? NO_PARAMETERS;
  }
  get headers(): Headers {
    return this.#arrival.headers;
  }
  get messageId(): string | undefined {
    return wellFormed(this.#arrival.headers.get(HEADER.messageId), MESSAGE_ID);
  }
  get causeId(): string | undefined {
    return wellFormed(this.#arrival.headers.get(HEADER.causeId), MESSAGE_ID);
  }
  get traceparent(): string | undefined {
    return wellFormed(this.#arrival.headers.get(HEADER.traceparent), TRACEPARENT);
  }
  get tracestate(): string | undefined {
    return wellFormed(this.#arrival.headers.get(HEADER.tracestate), TRACESTATE);
  }
  get time(): number | undefined {
    return this.#arrival.time;
  }
  get source(): string | undefined {
    return this.#arrival.source;
  }
  get seq(): number | undefined {
    return this.#arrival.seq;
  }
  get verdict(): Verdict | undefined {
    return this.#arrival.verdict;
  }
  get method(): string | undefined {
    return this.#arrival.method;
  }
  get callId(): bigint | undefined {
    return this.#arrival.callId;
  }
  get durable(): DurablePlace | undefined {
    return undefined;
  }
  get remainingMs(): number {
    return Math.max(0, this.deadline - this.#place.clock.elapsed());
  }
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      // Each call of a handler listens to it, and a handler may make many at once.
      setMaxListeners(0, this.#controller.signal);
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }
  logsAt(level: LevelWithSilent): boolean {
    return this.#place.logger.isLevelEnabled(level);
  }
  get logger(): Logger {
    this.#logger ??= this.#place.logger.child({ handler: this.handler, topic: this.topic, messageId: this.messageId });
    return this.#logger;
  }

  get aborted(): Error | undefined {
    return this.#aborted;
  }

  onAbort(callback: (reason: Error) => void): () => void {
    this.#onAbort ??= new Set();
    const callbacks = this.#onAbort;
    callbacks.add(callback);
    return () => callbacks.delete(callback);
  }

  /** Aborts the signal, also one that nobody has asked for yet. */
  abort(reason: Error): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = reason;
    for (const callback of this.#onAbort ?? []) callback(reason);
    this.#controller?.abort(reason);
  }

  publish(topic: Topic, payload: unknown, options?: PublishOptions): Promise<Stored | undefined> {
    return this.#place.bus.publish('publish', topic, [payload], this, options);
  }
  publishAll(topic: Topic, messages: readonly unknown[], options?: PublishOptions): Promise<Stored | undefined> {
    return this.#place.bus.publish('publish', topic, messages, this, options);
  }
  send(mailbox: Topic, message: unknown, options?: PublishOptions): Promise<Stored | undefined> {
    return this.#place.bus.publish('send', mailbox, [message], this, options);
  }
  client<C extends Contract>(contract: C): Client<C> {
    return this.#place.bus.client(contract, this);
  }
}
