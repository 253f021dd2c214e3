import { BusError } from '@terabus/messages';
import type { DeliveryOptions, Source } from '../contract/contract.js';
import { groupKey, type ServicePlan, sameOptions, WHOLE_PAYLOAD } from '../contract/contract-of.js';
import { deliveryOf } from '../contract/from.js';
import type { Reader } from '../durable/reader.js';
import type { Reporter } from '../observe/reporter.js';
import type { DeliveryGroup } from '../routing/delivery-group.js';
import { type PreparedHandler, Router } from '../routing/router.js';
import { toSubject } from '../topics/escape.js';
import type { HostParts } from './host-parts.js';
import type { Intake, Subscriptions } from './intake.js';
import type { Stored } from './stored.js';

/** A router that is subscribed, at one topic or at several (the aliases of a contract). */
export interface Listening {
  readonly key: string;
  readonly router: Router;
  readonly patterns: readonly string[];
  /** Of what comes from a stream. */
  readonly reader: Reader | undefined;
  /** None while the instance stands by, or where it comes from a stream. */
  subscriptions: Subscriptions;
  /** How many dynamic subscriptions keep it open; decorated handlers keep it open until the drain. */
  holders: number;
}

/** What is to be handled: by the full name of the type, or by {@link WHOLE_PAYLOAD}. */
export type Handlers = readonly (readonly [string, PreparedHandler])[];

/** The delivery groups of a service at work: who listens to what, as long as anybody wants it. */
export class Listeners {
  readonly #plan: ServicePlan;
  readonly #reporter: Reporter;
  readonly #parts: HostParts;
  readonly #intake: Intake;
  readonly #stored: Stored;
  /** Where one instance is active at a time, it says when what is listened to is subscribed to. */
  readonly #alone: boolean;
  /** Whether what is listened to is subscribed to. */
  #taking: boolean;
  #judging = true;
  readonly #listening = new Map<string, Listening>();
  /** Those whose last holder has stopped, until they have finished. */
  readonly #retiring = new Set<Listening>();

  constructor(
    plan: ServicePlan,
    reporter: Reporter,
    parts: HostParts,
    { intake, stored, alone }: { readonly intake: Intake; readonly stored: Stored; readonly alone: boolean },
  ) {
    this.#plan = plan;
    this.#reporter = reporter;
    this.#parts = parts;
    this.#intake = intake;
    this.#stored = stored;
    this.#alone = alone;
    this.#taking = !alone;
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
        listening.subscriptions = this.#intake.open(listening.patterns, listening.router);
      }
    }
    await this.subscribed();
  }

  /** Whether sequence numbers are judged: not those of messages that are shared with another instance. */
  judge(on: boolean): void {
    this.#judging = on;
    for (const { router } of this.#all()) router.judge(on);
  }

  /** Ends the intake of all groups. */
  async unsubscribeAll(): Promise<void> {
    if (this.#alone) this.#taking = false;
    const ended = this.#all().map(({ subscriptions }) => this.#intake.end(subscriptions));
    await Promise.all([this.#stored.end(), ...ended]);
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
    const reader = known === undefined ? this.#stored.readerOf(source, options, router) : known.reader;
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
      subscriptions: this.#taking && reader === undefined ? this.#intake.open(patterns, router) : Promise.resolve([]),
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
    await this.#intake.end(subscriptions);
    await router.queue.finished();
    forget();
    this.#retiring.delete(listening);
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

  #all(): Listening[] {
    return [...this.#listening.values(), ...this.#retiring];
  }
}
