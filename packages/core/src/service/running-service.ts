import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { Contract, Source, Topic, TypeOrFamily } from '../contract/contract.js';
import type { HandlerPlan, ServicePlan } from '../contract/contract-of.js';
import { groupKey, WHOLE_PAYLOAD } from '../contract/contract-of.js';
import { deliveryOf, spread } from '../contract/define.js';
import type { Middleware, Next } from '../middleware/middleware.js';
import { compose } from '../middleware/middleware.js';
import type { BusEvent } from '../observe/observer.js';
import { Reporter } from '../observe/reporter.js';
import type { Chain } from '../publishing/chain.js';
import { NEW_CHAIN } from '../publishing/chain.js';
import { Declared } from '../publishing/declared.js';
import type { Interceptor } from '../publishing/interceptor.js';
import { Publisher } from '../publishing/publisher.js';
import type { HandlerPlace } from '../routing/context.js';
import { Router } from '../routing/router.js';
import type { PreparedMethod } from '../rpc/answer.js';
import { Answerer } from '../rpc/answer.js';
import { Caller } from '../rpc/client.js';
import type { Sequencer } from '../sequencing/sequencer.js';
import { toSubject } from '../topics/escape.js';
import type { Clock } from '../transport/clock.js';
import type { Transport, TransportSubscription } from '../transport/transport.js';
import type { Bus, ChainedBus, Subscription } from './bus.js';
import type { Lifecycle } from './lifecycle.js';
import type { Hooks, TeraService } from './tera-service.js';
import { ATTACH } from './tera-service.js';
import type { Config } from './tokens.js';

/** What all services of a host share. */
export interface HostParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  readonly sequencer: Sequencer;
  readonly newId: () => string;
  readonly middlewares: readonly Middleware[];
  readonly interceptors: readonly Interceptor[];
  readonly emit: (event: BusEvent) => void;
  readonly answerRedisClients: boolean;
}

/** Work that the end of a drain cut off. */
export interface CutOff {
  /** Handlers that had begun: their signals were aborted. */
  readonly running: number;
  /** Messages and calls that were never given to a handler; the calls were answered so. */
  readonly waiting: number;
}

/** A router that is subscribed, at one topic or at several (the aliases of a contract). */
interface Listening {
  readonly router: Router;
  readonly subscriptions: Promise<readonly TransportSubscription[]>;
  /** How many dynamic subscriptions keep it open; decorated handlers keep it open until the drain. */
  holders: number;
}

/** One service at work: what its plan says, brought to life on a transport. */
export class RunningService {
  readonly plan: ServicePlan;
  readonly logger: Logger;
  readonly bus: Bus;
  readonly #parts: HostParts;
  readonly #reporter: Reporter;
  readonly #publisher: Publisher;
  readonly #caller: Caller;
  readonly #declared: Declared;
  readonly #chained: ChainedBus;
  readonly #listening = new Map<string, Listening>();
  readonly #tasks = new Set<Promise<void>>();
  #answerer: Answerer | undefined;
  #answering: Promise<readonly TransportSubscription[]> = Promise.resolve([]);
  #instance: TeraService | undefined;

  constructor(plan: ServicePlan, logger: Logger, parts: HostParts) {
    this.plan = plan;
    this.logger = logger;
    this.#parts = parts;
    this.#reporter = new Reporter(logger, parts.clock);
    const { contract } = plan;
    this.#declared = new Declared(plan.name, contract, plan.uses);
    const common = { ...parts, service: contract.address, declared: this.#declared };
    this.#publisher = new Publisher(common);
    this.#caller = new Caller(common);
    this.#chained = {
      publish: (kind, topic, messages, chain, options) =>
        this.#publisher.publish(kind, topic, messages, chain, options),
      client: (contract, chain) => this.#caller.client(contract, chain),
    };
    this.bus = this.#busOf(NEW_CHAIN);
  }

  /** The instance gets its bus, and `onStart` runs. */
  async start(instance: TeraService, signal: AbortSignal): Promise<void> {
    const { clock, config, lifecycle } = this.#parts;
    this.#instance = instance;
    instance[ATTACH]({
      bus: this.bus,
      logger: this.logger,
      clock,
      config,
      signal: lifecycle.signal,
      every: (intervalMs, task) => this.#every(intervalMs, task),
    });
    await this.#hooks.onStart?.(signal);
  }

  /** Subscribes to what the decorated methods handle. Resolves when messages published from now on arrive. */
  async listen(): Promise<void> {
    const instance = this.#instance as unknown as Record<string, (...args: unknown[]) => unknown>;
    const { contract } = this.plan;
    for (const group of this.plan.groups) {
      const router = this.#newRouter(group);
      for (const [key, handler] of group.handlers) {
        const method = (message: unknown, context: unknown) => instance[handler.member]?.(message, context);
        router.handlers.set(key, {
          place: this.#place(handler),
          type: handler.type,
          run: this.#around(handler, method),
        });
      }
      const patterns = [group.pattern];
      if (group.definition.template === `${contract.address}.messages`) {
        for (const alias of contract.aliases) patterns.push(toSubject(`${alias}.messages`));
      }
      const key = groupKey(group.pattern, group.options);
      this.#listening.set(key, {
        router,
        holders: 1,
        subscriptions: this.#subscribeTo(patterns, router.deliver, group.options.everyInstance === true),
      });
    }
    if (this.plan.methods.size > 0) this.#answer(instance);
    await Promise.all([this.#answering, ...[...this.#listening.values()].map(({ subscriptions }) => subscriptions)]);
  }

  async ready(): Promise<void> {
    await this.#hooks.onReady?.();
  }

  /** Stops the intake, lets what arrived be handled, and gives up on the rest when `timeIsUp` resolves. */
  async drain(timeIsUp: Promise<void>): Promise<CutOff> {
    await this.#calmly('onDrain', () => this.#hooks.onDrain?.());
    const finished = (async () => {
      const listening = [...this.#listening.values()];
      const all = [this.#answering, ...listening.map(({ subscriptions }) => subscriptions)];
      await Promise.all(
        all.map(async (subscriptions) => Promise.all((await subscriptions).map((each) => each.drain()))),
      );
      await Promise.all([...this.#queues().map((queue) => queue.idle()), ...this.#tasks]);
    })().catch((error: unknown) => {
      this.logger.error({ err: error }, 'the drain failed');
    });
    await Promise.race([finished, timeIsUp]);
    const cutOff = {
      running: this.#queues().reduce((sum, { running }) => sum + running, 0),
      waiting: this.#queues().reduce((sum, { waiting }) => sum + waiting, 0),
    };
    for (const queue of this.#queues()) queue.cutOff();
    await Promise.race([this.#answerer?.sent(), timeIsUp.then(() => undefined)]);
    if (cutOff.running + cutOff.waiting > 0) {
      this.#parts.emit({ kind: 'cut-off', service: this.plan.contract.address, topic: '', ...cutOff });
      this.logger.warn(cutOff, 'the time for the drain was over: work was cut off');
    }
    return cutOff;
  }

  async stop(): Promise<void> {
    await this.#calmly('onStop', () => this.#hooks.onStop?.());
    this.#reporter.close();
  }

  get #hooks(): Hooks {
    return this.#instance as unknown as Hooks;
  }

  #queues() {
    const queues = [...this.#listening.values()].map(({ router }) => router.queue);
    return this.#answerer === undefined ? queues : [...queues, this.#answerer.queue];
  }

  /** At the end nothing may keep the others from ending. */
  async #calmly(hook: string, run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.logger.error({ err: error }, `${this.plan.name}.${hook} failed`);
    }
  }

  #place({ name }: Pick<HandlerPlan, 'name'>): HandlerPlace {
    return {
      service: this.plan.contract.address,
      handler: name,
      logger: this.logger,
      clock: this.#parts.clock,
      bus: this.#chained,
    };
  }

  #around({ middlewares }: Pick<HandlerPlan, 'middlewares'>, method: Next): Next {
    return compose([...this.#parts.middlewares, ...middlewares], method);
  }

  #newRouter(group: Pick<Source, 'definition'> & { readonly options: ReturnType<typeof deliveryOf> }): Router {
    const { clock, emit } = this.#parts;
    return new Router({
      service: this.plan.contract.address,
      definition: group.definition,
      options: group.options,
      clock,
      reporter: this.#reporter,
      emit,
    });
  }

  #subscribeTo(
    patterns: readonly string[],
    deliver: Router['deliver'],
    everyInstance: boolean,
  ): Promise<readonly TransportSubscription[]> {
    const { transport } = this.#parts;
    const subscribing = Promise.all(
      patterns.map((pattern) =>
        // The pattern is part of the group's name: equal names on overlapping patterns make NATS deliver each
        // message to only one of them (architecture, section 5).
        transport.subscribe(
          pattern,
          everyInstance ? {} : { group: `${this.plan.contract.address} ${pattern}` },
          deliver,
        ),
      ),
    );
    // Whoever awaits it gets the error; nobody awaiting it yet must not end the process.
    subscribing.catch(() => undefined);
    return subscribing;
  }

  #answer(instance: Record<string, (...args: unknown[]) => unknown>): void {
    const { contract, methods, rpc } = this.plan;
    const prepared = new Map<string, PreparedMethod>();
    for (const [name, plan] of methods) {
      const method: Next = (args, context) => instance[plan.member]?.(...(args as unknown[]), context);
      prepared.set(name, { plan, place: this.#place(plan), run: this.#around(plan, method) });
    }
    this.#answerer = new Answerer({
      ...this.#parts,
      service: contract.address,
      options: rpc,
      methods: prepared,
      reporter: this.#reporter,
    });
    const topics = [contract.address, ...contract.aliases].map((address) => toSubject(`${address}.rpc`));
    this.#answering = this.#subscribeTo(topics, this.#answerer.deliver, false);
  }

  #busOf(chain: Chain): Bus {
    const chained = this.#chained;
    const bus = {
      publish: (topic: Topic, payload: unknown, options?: never) =>
        chained.publish('publish', topic, [payload], chain, options),
      publishAll: (topic: Topic, messages: readonly unknown[], options?: never) =>
        chained.publish('publish', topic, messages, chain, options),
      send: (mailbox: Topic, message: unknown, options?: never) =>
        chained.publish('send', mailbox, [message], chain, options),
      client: (contract: Contract) => chained.client(contract, chain),
      subscribe: (source: Source, ...rest: readonly unknown[]) =>
        rest.length === 1
          ? this.#subscribe(source, undefined, rest[0] as Next)
          : this.#subscribe(source, rest[0] as TypeOrFamily, rest[1] as Next),
    };
    return bus as unknown as Bus;
  }

  async #subscribe(source: Source, type: TypeOrFamily | undefined, handler: Next): Promise<Subscription> {
    const { definition, pattern } = source;
    if (this.#parts.lifecycle.signal.aborted) {
      throw new BusError(`${this.plan.name} is draining and can't subscribe to '${definition.template}'`, {
        reason: 'TERABUS_DRAINING',
      });
    }
    this.#declared.checkTopic(definition, 'subscribes to');
    const options = deliveryOf(source);
    const key = groupKey(pattern, options);
    const types = type === undefined ? [[WHOLE_PAYLOAD, undefined] as const] : [...spread([type])];
    const name = `${this.plan.name}.subscribe(${definition.template})`;
    const known = this.#listening.get(key);
    for (const [typeName] of types) {
      const other = known?.router.handlers.get(typeName);
      if (other !== undefined) {
        throw new BusError(`${name} and ${other.place.handler} both handle ${typeName} on '${definition.template}'`, {
          reason: 'TERABUS_SERVICE_INVALID',
        });
      }
      if (typeName !== WHOLE_PAYLOAD && !definition.types.has(typeName)) {
        throw new BusError(`${name} handles ${typeName}, which '${definition.template}' doesn't carry`, {
          reason: 'TERABUS_SERVICE_INVALID',
        });
      }
    }
    const router = known?.router ?? this.#newRouter({ definition, options });
    const plan = { name, middlewares: [] };
    for (const [typeName, messageType] of types) {
      router.handlers.set(typeName, { place: this.#place(plan), type: messageType, run: this.#around(plan, handler) });
    }
    const listening = known ?? {
      router,
      holders: 0,
      subscriptions: this.#subscribeTo([pattern], router.deliver, options.everyInstance === true),
    };
    listening.holders += 1;
    this.#listening.set(key, listening);
    const forget = () => {
      for (const [typeName] of types) router.handlers.delete(typeName);
      listening.holders -= 1;
      if (listening.holders === 0 && this.#listening.get(key) === listening) this.#listening.delete(key);
    };
    try {
      await listening.subscriptions;
    } catch (error) {
      forget();
      throw error;
    }
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      if (listening.holders === 1) await Promise.all((await listening.subscriptions).map((each) => each.drain()));
      await router.queue.idle();
      forget();
    };
    return {
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  }

  #every(intervalMs: number, task: () => unknown): void {
    const { clock, lifecycle } = this.#parts;
    if (!(intervalMs >= 1)) {
      throw new BusError(`${this.plan.name}.every takes an interval of at least 1 ms, not ${intervalMs}`, {
        reason: 'TERABUS_SERVICE_INVALID',
      });
    }
    const schedule = () => {
      if (lifecycle.signal.aborted) return;
      const timer = clock.setTimer(intervalMs, () => {
        lifecycle.signal.removeEventListener('abort', cancel);
        const running = this.#calmly('every', task).then(() => {
          this.#tasks.delete(running);
          schedule();
        });
        this.#tasks.add(running);
      });
      const cancel = () => timer.cancel();
      lifecycle.signal.addEventListener('abort', cancel, { once: true });
    };
    schedule();
  }
}
