import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { DeliveryOptions, Source } from '../contract/contract.js';
import { groupKey, type ServicePlan, sameOptions, WHOLE_PAYLOAD } from '../contract/contract-of.js';
import { deliveryOf } from '../contract/from.js';
import { Depot } from '../durable/depot.js';
import { KeyValueInbox } from '../durable/key-value-inbox.js';
import { LastValues } from '../durable/last-values.js';
import { bucketOf, streamOf } from '../durable/names.js';
import { Reader } from '../durable/reader.js';
import type { Gate, Receiver } from '../instances/gate.js';
import type { Reporter } from '../observe/reporter.js';
import { say } from '../observe/say.js';
import type { DeliveryGroup } from '../routing/delivery-group.js';
import { type PreparedHandler, Router } from '../routing/router.js';
import { toSubject } from '../topics/escape.js';
import { heartbeatOf } from '../topics/heartbeat.js';
import type { Inbound, TransportSubscription } from '../transport/transport.js';
import type { HostParts } from './host-parts.js';

/** A router that is subscribed, at one topic or at several (the aliases of a contract). */
export interface Listening {
  readonly key: string;
  readonly router: Router;
  readonly patterns: readonly string[];
  /** Of what comes from a stream. */
  readonly reader: Reader | undefined;
  /** None while the instance stands by, or where it comes from a stream. */
  subscriptions: Promise<readonly TransportSubscription[]>;
  /** How many dynamic subscriptions keep it open; decorated handlers keep it open until the drain. */
  holders: number;
}

/** What is to be handled: by the full name of the type, or by {@link WHOLE_PAYLOAD}. */
export type Handlers = readonly (readonly [string, PreparedHandler])[];

/** The delivery groups of a service at work: who listens to what, as long as anybody wants it. */
export class Listeners {
  readonly #plan: ServicePlan;
  readonly #logger: Logger;
  readonly #reporter: Reporter;
  readonly #parts: HostParts;
  /** What everything comes through, where one instance is active at a time. */
  readonly #gate: Gate | undefined;
  /** Whether what is listened to is subscribed to. */
  #taking: boolean;
  #judging = true;
  readonly #listening = new Map<string, Listening>();
  /** Those whose last holder has stopped, until they have finished. */
  readonly #retiring = new Set<Listening>();
  readonly depot: Depot;

  constructor(plan: ServicePlan, logger: Logger, reporter: Reporter, parts: HostParts, gate: Gate | undefined) {
    this.#plan = plan;
    this.#logger = logger;
    this.#reporter = reporter;
    this.#parts = parts;
    this.#gate = gate;
    this.#taking = gate === undefined;
    this.depot = new Depot(plan.contract.address, parts.transport, parts.clock, reporter);
  }

  /** What comes from streams. */
  get readers(): Reader[] {
    return this.#all().flatMap(({ reader }) => reader ?? []);
  }

  /** What is listened to, with its queue of work. */
  get groups(): { readonly pattern: string; readonly queue: DeliveryGroup; readonly reader: Reader | undefined }[] {
    return this.#all().map(({ patterns: [pattern = ''], router, reader }) => ({
      pattern,
      queue: router.queue,
      reader,
    }));
  }

  /** The queues of work of all groups. */
  get queues(): DeliveryGroup[] {
    return this.#all().map(({ router }) => router.queue);
  }

  /** Resolves when messages published from now on arrive at all groups. */
  async subscribed(): Promise<void> {
    await Promise.all([...this.#listening.values()].map(({ subscriptions }) => subscriptions));
  }

  /** Subscribes to everything that is listened to. */
  async subscribeAll(): Promise<void> {
    this.#taking = true;
    for (const listening of this.#listening.values()) {
      if (listening.reader === undefined) {
        listening.subscriptions = this.#subscribe(listening.patterns, listening.router);
      }
    }
    await this.subscribed();
  }

  /** Begins to read what is stored: not while another instance may still handle what came before. */
  async read(): Promise<void> {
    this.depot.resume();
    await Promise.all(this.readers.map((reader) => reader.begin()));
  }

  /** Whether sequence numbers are judged: not those of messages that are shared with another instance. */
  judge(on: boolean): void {
    this.#judging = on;
    for (const { router } of this.#all()) router.judge(on);
  }

  /** Ends the intake of all groups. */
  async unsubscribeAll(): Promise<void> {
    if (this.#gate !== undefined) this.#taking = false;
    const readers = this.readers.map((reader) => reader.end());
    await Promise.all([...readers, ...this.#all().map(({ subscriptions }) => this.unsubscribe(subscriptions))]);
  }

  /**
   * Gives handlers what a source brings: by the router that listens there already, or by a new one.
   *
   * @throws BusError `TERABUS_SERVICE_INVALID` when a message could reach two handlers, or a group gets two sets of
   * options.
   */
  listen(source: Source, handlers: Handlers): Listening {
    const { definition, pattern } = source;
    const { contract } = this.#plan;
    const options = deliveryOf(source);
    const key = groupKey(pattern, options);
    const known = this.#listening.get(key);
    const twin = this.#listening.get(groupKey(pattern, { everyInstance: !options.everyInstance }));
    const definitionThere = (known ?? twin)?.router.parts.definition;
    if (definitionThere !== undefined && definitionThere.digest !== definition.digest) {
      throw this.#invalid(
        handlers,
        `handles '${definition.template}', of which another handler of the class has a different definition`,
      );
    }
    if (contract.instances === 'many' && definition.tracked && options.everyInstance !== true) {
      throw this.#invalid(
        handlers,
        `would share '${definition.template}', which is tracked, with other instances: each would see gaps in it. Say instances: 'one', or everyInstance: true`,
      );
    }
    if (known !== undefined && source.kind === 'delivery' && !sameOptions(known.router.parts.options, options)) {
      throw this.#invalid(
        handlers,
        `and a subscription give different delivery options for '${definition.template}': put one from(…) in a constant and use it in both`,
      );
    }
    for (const [typeName] of handlers) {
      const other = known?.router.handlers.get(typeName) ?? twin?.router.handlers.get(typeName);
      const what = typeName === WHOLE_PAYLOAD ? '' : `${typeName} on `;
      if (other !== undefined) {
        throw this.#invalid(handlers, `and ${other.place.handler} both handle ${what}'${definition.template}'`);
      }
      if (typeName === WHOLE_PAYLOAD ? definition.types.size > 0 : !definition.types.has(typeName)) {
        throw this.#invalid(handlers, `handles ${what}'${definition.template}', which doesn't carry it`);
      }
    }
    const router = known?.router ?? this.#newRouter({ definition, options });
    const reader = known === undefined ? this.#newReader(source, options, router) : known.reader;
    for (const [typeName, handler] of handlers) router.handlers.set(typeName, handler);
    const isMailbox = definition.template === `${contract.address}.messages`;
    const aliases = isMailbox ? contract.aliases.map((alias) => toSubject(`${alias}.messages`)) : [];
    const patterns = [pattern, ...aliases];
    const listening = known ?? {
      key,
      router,
      patterns,
      reader,
      holders: 0,
      subscriptions: this.#taking && reader === undefined ? this.#subscribe(patterns, router) : Promise.resolve([]),
    };
    listening.holders += 1;
    this.#listening.set(key, listening);
    return listening;
  }

  #invalid(handlers: Handlers, why: string): BusError {
    const name = handlers[0]?.[1].place.handler ?? this.#plan.name;
    return new BusError(`${name} ${why}`, { reason: 'TERABUS_SERVICE_INVALID' });
  }

  /** The end of a dynamic subscription. What it had taken is finished when this resolves. */
  async leave(listening: Listening, handlers: Handlers): Promise<void> {
    const { key, router, subscriptions } = listening;
    listening.holders -= 1;
    const forget = () => {
      for (const [typeName] of handlers) router.handlers.delete(typeName);
    };
    if (listening.holders > 0) {
      forget();
      await router.finished(new Set(handlers.map(([, handler]) => handler)));
      return;
    }
    // From now on a new subscription gets a router of its own: this one takes nothing more.
    this.#listening.delete(key);
    this.#retiring.add(listening);
    await this.unsubscribe(subscriptions);
    await router.queue.finished();
    forget();
    this.#retiring.delete(listening);
  }

  /** Subscribes to messages, and where they are tracked to the heartbeats of their senders. */
  #subscribe(patterns: readonly string[], router: Router): Promise<readonly TransportSubscription[]> {
    const everyInstance = router.parts.options.everyInstance === true;
    if (everyInstance && router.parts.definition.durable?.lastValue) return this.#lastValues(patterns, router);
    const messages = this.subscribe(patterns, router, everyInstance);
    if (!router.parts.definition.tracked) return messages;
    const beats = { deliver: router.deliverHeartbeat, overflow: () => undefined };
    const heartbeats = this.subscribe(patterns.map(heartbeatOf), beats, everyInstance);
    // Heartbeats are to end first: one that came behind the last message that is taken in would tell of a loss.
    const both = Promise.all([heartbeats, messages]).then((made) => made.flat());
    both.catch(() => Promise.all([heartbeats, messages].map((each) => this.unsubscribe(each))));
    return both;
  }

  /** What is stored is not subscribed to: its last messages and those that follow are put in front of the handlers. */
  #lastValues(patterns: readonly string[], router: Router): Promise<readonly TransportSubscription[]> {
    const { transport, clock, lifecycle } = this.#parts;
    const { definition, service } = router.parts;
    const { queue } = router;
    const each = patterns.map((pattern) => {
      let dropped = false;
      const receiver: Receiver = {
        deliver: (inbound, arrivedAt) => {
          const before = queue.dropped;
          router.deliver(inbound, arrivedAt);
          dropped = queue.dropped > before;
        },
        overflow: (inbound, why) => {
          router.overflow(inbound, why);
          dropped = true;
        },
      };
      const receive = this.#gate?.through(receiver) ?? receiver.deliver;
      return new LastValues({
        transport,
        clock,
        stream: streamOf(definition),
        pattern,
        deliver: (inbound) => {
          dropped = false;
          receive(inbound);
          return !dropped;
        },
        hasRoom: () => queue.hasRoom,
        report: (error) => this.#reporter.report(service, error, { topic: definition.template }),
        signal: lifecycle.signal,
      }).start();
    });
    return this.#allOf(each);
  }

  /** Subscribes to some patterns, as a delivery group of the service each. */
  subscribe(
    patterns: readonly string[],
    receiver: Receiver,
    everyInstance: boolean,
  ): Promise<readonly TransportSubscription[]> {
    const { transport } = this.#parts;
    const receive = this.#gate?.through(receiver) ?? ((inbound: Inbound) => receiver.deliver(inbound));
    const each = patterns.map((pattern) =>
      // The pattern is part of the group's name: equal names on overlapping patterns make NATS deliver each
      // message to only one of them.
      transport.subscribe(
        pattern,
        everyInstance ? {} : { group: `${this.#plan.contract.address} ${pattern}` },
        receive,
      ),
    );
    return this.#allOf(each);
  }

  #allOf(each: readonly Promise<TransportSubscription>[]): Promise<readonly TransportSubscription[]> {
    const subscribing = Promise.all(each);
    // Whoever awaits it gets the error; nobody awaiting it yet must not end the process. What the others would still
    // bring, nobody would ever end.
    subscribing.catch(() => each.map((one) => this.unsubscribe(one.then((made) => [made]))));
    return subscribing;
  }

  /** Ends the intake of some subscriptions. One that can't be ended must not keep the others from being finished. */
  async unsubscribe(subscriptions: Promise<readonly TransportSubscription[]>): Promise<void> {
    // Whoever asked for a subscription that failed knows it already.
    const made = await subscriptions.catch(() => []);
    await Promise.all(
      made.map((each) =>
        each.drain().catch((error: unknown) => {
          say(this.#logger, 'error', { err: error }, 'a subscription could not be ended');
        }),
      ),
    );
  }

  #newRouter(group: Pick<Source, 'definition'> & { readonly options: DeliveryOptions }): Router {
    const { clock, emit, watch } = this.#parts;
    const router = new Router({
      service: this.#plan.contract.address,
      definition: group.definition,
      options: group.options,
      clock,
      reporter: this.#reporter,
      emit,
      watch,
    });
    if (!this.#judging) router.judge(false);
    return router;
  }

  /** What is stored is read by a consumer that all instances share. */
  #newReader({ definition, pattern }: Source, options: DeliveryOptions, router: Router): Reader | undefined {
    const { durable } = definition;
    if (durable === undefined || options.everyInstance === true) return undefined;
    const { transport, clock, emit, version, suspects, inbox } = this.#parts;
    const { address } = this.#plan.contract;
    const marks = () => transport.keyValue(bucketOf(address));
    const parts = {
      address,
      version,
      pattern,
      definition: { ...definition, durable },
      options,
      router,
      transport,
      clock,
      depot: this.depot,
      inbox: options.deduplicate === true ? (inbox ?? new KeyValueInbox(marks())) : undefined,
      suspects,
      reporter: this.#reporter,
      emit,
    };
    return new Reader(parts, marks);
  }

  #all(): Listening[] {
    return [...this.#listening.values(), ...this.#retiring];
  }
}
