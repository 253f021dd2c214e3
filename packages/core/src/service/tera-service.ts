import type { Message } from '@terabus/messages';
import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { Contract, Source, Topic, TopicFamily, TypeOrFamily, Usable } from '../contract/contract.js';
import type { Durability } from '../contract/durable.js';
import type { Client } from '../contract/rpc-types.js';
import type { HeldLease } from '../durable/lease.js';
import { type Batches, openBatching } from '../publishing/batches.js';
import type {
  BatchingFamilyPublisher,
  BatchingOptions,
  BatchingPublisher,
  BatchingSource,
} from '../publishing/batching.js';
import type { PublishOptions, Receipt } from '../publishing/options.js';
import type { Clock } from '../transport/clock.js';
import type { Bus, CalledAddress, HeardTopic, MessageHandler, SpokenTopic, Subscription } from './bus.js';
import type { LeaseOptions } from './leases.js';
import type { Config } from './tokens.js';

/** What the host attaches to an instance before `onStart`. */
export interface Attachment {
  readonly bus: Bus;
  readonly batches: Batches;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly config: Config;
  /** Aborts when the drain begins. */
  readonly signal: AbortSignal;
  active(): boolean;
  /** Waits for what is stored at this moment. */
  catchUp(source: Source | undefined): Promise<void>;
  /** Runs `task` every `intervalMs` until the drain begins. */
  every(intervalMs: number, task: () => unknown): void;
  lease<T>(name: string, work: (lease: HeldLease) => T | Promise<T>, options?: LeaseOptions): Promise<T>;
}

/** The hooks of a service, as its host calls them. */
export interface Hooks {
  onStart?(signal: AbortSignal): unknown;
  onReady?(): unknown;
  onActive?(): unknown;
  onStandby?(): unknown;
  onDrain?(): unknown;
  onStop?(): unknown;
}

/** Attaches a service to its host. Not for service authors. */
export const ATTACH = Symbol('@terabus/core/attach');

/**
 * The base class of services. A subclass with `@Service(contract, { uses })` handles messages and calls with
 * decorated methods, and speaks with the methods that it inherits from here.
 *
 * A class that names its contract and what it uses in its type, `extends TeraService<typeof UserManager, typeof
 * personEvents | typeof Database>` (or `never` where it uses nothing), is told by the compiler when it publishes to,
 * sends to, subscribes to or calls anything else. Without it the same is an error at run time.
 *
 * The host calls `onStart`, subscribes, calls `onReady`; at the end `onDrain`, finishes what runs, and `onStop`.
 */
export abstract class TeraService<Own extends Contract = Contract, Uses = Usable> {
  #attachment: Attachment | undefined;

  /** @internal */
  [ATTACH](attachment: Attachment): void {
    this.#attachment = attachment;
  }

  get #attached(): Attachment {
    if (this.#attachment !== undefined) return this.#attachment;
    throw new BusError(
      `${this.constructor.name} uses the bus before its host has attached it: do it in onStart, not in the constructor`,
      { reason: 'TERABUS_NOT_STARTED' },
    );
  }

  /**
   * Called before anything arrives: connect to a database, read state. What it throws ends the start of the host.
   *
   * @param signal aborts when the host gives up starting.
   */
  protected onStart?(signal: AbortSignal): unknown;
  /** Called when all services of the host are subscribed. */
  protected onReady?(): unknown;
  /**
   * With `instances: 'one'`: called when this instance becomes the active one, at its start or later, before anything
   * is handled: read here what another instance may have changed. What arrives waits until it has ended; what it
   * throws is logged.
   */
  protected onActive?(): unknown;
  /** With `instances: 'one'`: called when this instance has handed over to another, and nothing runs here any more. */
  protected onStandby?(): unknown;
  /** Called when the drain of a service that was ready begins: messages and calls still arrive for a moment, and the bus still works. */
  protected onDrain?(): unknown;
  /**
   * Called when nothing runs any more, also where `onStart` failed: let go of what was taken hold of. What it publishes
   * still goes out.
   */
  protected onStop?(): unknown;

  /** Aborts when the drain begins: for loops and waits of the service's own. */
  protected get signal(): AbortSignal {
    return this.#attached.signal;
  }
  /**
   * Whether this instance works, or is about to. False with `instances: 'one'` while another instance is active, or
   * still finishes what it has; else always true.
   */
  protected get active(): boolean {
    return this.#attached.active();
  }
  protected get logger(): Logger {
    return this.#attached.logger;
  }
  protected get clock(): Clock {
    return this.#attached.clock;
  }
  /** What the host was started with as `config`. */
  protected get config(): Config {
    return this.#attached.config;
  }

  /**
   * Runs `task` every `intervalMs` milliseconds until the drain begins, never twice at a time: the next interval
   * starts when the task has ended. What it throws is logged, and the rhythm goes on. With `instances: 'one'` it is
   * left out while another instance is active.
   */
  protected every(intervalMs: number, task: () => unknown): void {
    this.#attached.every(intervalMs, task);
  }

  /**
   * Resolves when all that is stored at this moment for a durable source, or for all of the class, has been handled,
   * or put aside to be tried again: the past has been read. From `onReady` on: a handler that awaits it waits for
   * itself, and so does `onActive`, behind which an instance begins to read.
   *
   * @throws BusError `TERABUS_NOT_STARTED` in `onStart`, behind which reading begins; `TERABUS_DRAINING` when the drain
   * begins before; `TERABUS_SERVICE_INVALID` for a source that no method of the class reads from a stream
   */
  protected async catchUp(source?: Source): Promise<void> {
    await this.#attached.catchUp(source);
  }

  /**
   * Runs `work` in one instance of the service at a time: waits until this one holds the lease of that name, and lets it
   * go when the work has ended. Resolves with what the work came to. An instance that dies or hangs is followed by
   * another after `holdMs`. Needs `leases: true` in `@Service`, by which `planStreams` knows of its bucket.
   *
   * When the lease is lost, since it could not be renewed in time, `lease.signal` aborts: the work is to end. What it
   * changes elsewhere it marks with `lease.fence`, as it may have stood still and not know yet. The drain gives up
   * waiting, and waits for work that runs.
   *
   * @throws BusError `TERABUS_LEASE_LOST` when the work has ended and the lease was lost meanwhile; `TERABUS_DRAINING`,
   * `TERABUS_BUCKET_MISSING`, `TERABUS_OPTIONS_INVALID` before it has begun
   */
  protected async lease<T>(
    name: string,
    work: (lease: HeldLease) => T | Promise<T>,
    options?: LeaseOptions,
  ): Promise<T> {
    return this.#attached.lease(name, work, options);
  }

  /** {@inheritDoc Bus.publish} */
  protected async publish<W extends 'event' | 'text' | 'bytes', P, D extends Durability>(
    topic: Topic<W, P, SpokenTopic<Own, Uses>, D>,
    payload: NoInfer<P>,
    options?: PublishOptions,
  ): Promise<Receipt<D>> {
    return this.#attached.bus.publish<W, unknown, D>(topic, payload, options);
  }

  /** {@inheritDoc Bus.publishAll} */
  protected async publishAll<P, D extends Durability>(
    topic: Topic<'event', P, SpokenTopic<Own, Uses>, D>,
    messages: readonly NoInfer<P>[],
    options?: PublishOptions,
  ): Promise<Receipt<D> | undefined> {
    return this.#attached.bus.publishAll<unknown, D>(topic, messages, options);
  }

  /** {@inheritDoc Bus.batching} */
  protected batching<P, N extends SpokenTopic<Own, Uses>, D extends Durability>(
    family: TopicFamily<'event', P, N, D>,
    options?: BatchingOptions,
  ): BatchingFamilyPublisher<P, N, D>;
  protected batching<P, D extends Durability>(
    topic: Topic<'event', P, SpokenTopic<Own, Uses>, D>,
    options?: BatchingOptions,
  ): BatchingPublisher<P, D>;
  protected batching(source: BatchingSource, options?: BatchingOptions): unknown {
    return openBatching(source, options, () => this.#attached.batches);
  }

  /** {@inheritDoc Bus.send} */
  protected async send<P, D extends Durability>(
    mailbox: Topic<'module-message', P, SpokenTopic<Own, Uses>, D>,
    message: NoInfer<P>,
    options?: PublishOptions,
  ): Promise<Receipt<D>> {
    return this.#attached.bus.send<unknown, D>(mailbox, message, options);
  }

  /** {@inheritDoc Bus.client} */
  protected client<C extends Contract<CalledAddress<Own, Uses>>>(contract: C): Client<C> {
    return this.#attached.bus.client(contract as Contract) as unknown as Client<C>;
  }

  /** {@inheritDoc Bus.subscribe} */
  protected subscribe<W extends 'event' | 'module-message', P extends Message, T extends P>(
    source: Source<W, P, HeardTopic<Own, Uses>>,
    type: TypeOrFamily<T>,
    handler: MessageHandler<W, T>,
  ): Promise<Subscription>;
  protected subscribe<W extends 'text' | 'bytes', P>(
    source: Source<W, P, HeardTopic<Own, Uses>>,
    handler: MessageHandler<W, P>,
  ): Promise<Subscription>;
  protected async subscribe(...args: readonly unknown[]): Promise<Subscription> {
    return (this.#attached.bus.subscribe as (...args: readonly unknown[]) => Promise<Subscription>)(...args);
  }
}
