import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { Contract, Delivery, Source, Topic, TypeOrFamily } from '../contract/contract.js';
import type { HandlerPlan, ServicePlan } from '../contract/contract-of.js';
import { WHOLE_PAYLOAD } from '../contract/contract-of.js';
import { spread } from '../contract/define-topic.js';
import type { Next } from '../middleware/middleware.js';
import { compose } from '../middleware/middleware.js';
import { Reporter } from '../observe/reporter.js';
import type { Chain } from '../publishing/chain.js';
import { NEW_CHAIN } from '../publishing/chain.js';
import { Declared } from '../publishing/declared.js';
import { Publisher } from '../publishing/publisher.js';
import type { HandlerPlace } from '../routing/context.js';
import type { PreparedMethod } from '../rpc/answer.js';
import { Answerer } from '../rpc/answer.js';
import { Caller } from '../rpc/client.js';
import { Sequencer } from '../sequencing/sequencer.js';
import { toSubject } from '../topics/escape.js';
import type { TransportSubscription } from '../transport/transport.js';
import type { Bus, ChainedBus, Subscription } from './bus.js';
import type { HostParts } from './host-parts.js';
import { Listeners } from './listeners.js';
import type { Hooks, TeraService } from './tera-service.js';
import { ATTACH } from './tera-service.js';

/** Work that the end of a drain cut off. */
export interface CutOff {
  /** Handlers that had begun, whose signals were aborted, and tasks of `every`. */
  readonly running: number;
  /** Messages and calls that were never given to a handler; the calls were answered so. */
  readonly waiting: number;
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
  readonly #listeners: Listeners;
  readonly #tasks = new Set<Promise<void>>();
  #answerer: Answerer | undefined;
  #answering: Promise<readonly TransportSubscription[]> = Promise.resolve([]);
  #instance: TeraService | undefined;
  /** Whether anybody could have reached it: a start that fails has nothing to drain. */
  #served = false;

  constructor(plan: ServicePlan, logger: Logger, parts: HostParts) {
    this.plan = plan;
    this.logger = logger;
    this.#parts = parts;
    this.#reporter = new Reporter(logger, parts.clock);
    const { contract } = plan;
    this.#declared = new Declared(plan.name, contract, plan.uses);
    const common = { ...parts, service: contract.address, declared: this.#declared };
    // One for each service: receivers count by source, and would take the numbers of the others for lost.
    const sequencer = new Sequencer({ newEpoch: parts.newId });
    this.#publisher = new Publisher({ ...common, sequencer, reporter: this.#reporter });
    this.#caller = new Caller(common);
    this.#chained = {
      publish: (kind, topic, messages, chain, options) =>
        this.#publisher.publish(kind, topic, messages, chain, options),
      client: (contract, chain) => this.#caller.client(contract, chain),
    };
    this.#listeners = new Listeners(plan, logger, this.#reporter, parts);
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
    for (const group of this.plan.groups) {
      const handlers = [...group.handlers].map(([key, handler]) => {
        const method = (message: unknown, context: unknown) => instance[handler.member]?.(message, context);
        return [key, { place: this.#place(handler), type: handler.type, run: this.#around(handler, method) }] as const;
      });
      this.#listeners.listen({ kind: 'delivery', ...group } as Delivery, handlers);
    }
    if (this.plan.methods.size > 0) this.#answer(instance);
    await Promise.all([this.#answering, this.#listeners.subscribed()]);
  }

  async ready(): Promise<void> {
    this.#served = true;
    await this.#hooks.onReady?.();
  }

  /** Stops the intake, lets what arrived be handled, and gives up on the rest when `timeIsUp` resolves. */
  async drain(timeIsUp: Promise<void>): Promise<CutOff> {
    if (this.#served) await Promise.race([this.#calmly('onDrain', () => this.#hooks.onDrain?.()), timeIsUp]);
    const finished = (async () => {
      await Promise.all([this.#listeners.unsubscribe(this.#answering), this.#listeners.unsubscribeAll()]);
      await Promise.all([...this.#queues().map((queue) => queue.finished()), ...this.#tasks]);
    })();
    await Promise.race([finished, timeIsUp]);
    const cutOff = {
      running: this.#queues().reduce((sum, { running }) => sum + running, this.#tasks.size),
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

  /** Runs `onStop`, but waits for it no longer than until `timeIsUp` resolves. */
  async stop(timeIsUp: Promise<void>): Promise<void> {
    const late = timeIsUp.then(() => 'late' as const);
    if ((await Promise.race([this.#calmly('onStop', () => this.#hooks.onStop?.()), late])) === 'late') {
      this.logger.error(`${this.plan.name}.onStop took too long: the host ends without it`);
    }
    await Promise.race([this.#publisher.end(), late]);
  }

  /** Logs what is not said yet: of what was still to be sent when the transport was closed, too. */
  end(): void {
    this.#reporter.close();
  }

  get #hooks(): Hooks {
    return this.#instance as unknown as Hooks;
  }

  #queues() {
    const { queues } = this.#listeners;
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
    this.#answering = this.#listeners.subscribe(topics, this.#answerer.deliver, false);
  }

  /** The bus for parts of the service, which may have it in hand before the service is started. */
  #busOf(chain: Chain): Bus {
    const chained = this.#chained;
    const checkStarted = () => {
      if (this.#instance !== undefined) return;
      throw new BusError(
        `a part of ${this.plan.name} uses the bus before its host has attached it: do it from onStart on, not in a constructor`,
        { reason: 'TERABUS_NOT_STARTED' },
      );
    };
    const publish = async (kind: 'publish' | 'send', topic: Topic, messages: readonly unknown[], options?: never) => {
      checkStarted();
      await chained.publish(kind, topic, messages, chain, options);
    };
    const bus = {
      publish: (topic: Topic, payload: unknown, options?: never) => publish('publish', topic, [payload], options),
      publishAll: (topic: Topic, messages: readonly unknown[], options?: never) =>
        publish('publish', topic, messages, options),
      send: (mailbox: Topic, message: unknown, options?: never) => publish('send', mailbox, [message], options),
      client: (contract: Contract) => {
        checkStarted();
        return chained.client(contract, chain);
      },
      subscribe: (source: Source, ...rest: readonly unknown[]) =>
        rest.length === 1
          ? this.#subscribe(source, undefined, rest[0] as Next)
          : this.#subscribe(source, rest[0] as TypeOrFamily, rest[1] as Next),
    };
    return bus as unknown as Bus;
  }

  async #subscribe(source: Source, type: TypeOrFamily | undefined, handler: Next): Promise<Subscription> {
    const { definition } = source;
    if (this.#instance === undefined || this.#parts.lifecycle.signal.aborted) {
      const [why, reason] =
        this.#instance === undefined
          ? (['is not started yet', 'TERABUS_NOT_STARTED'] as const)
          : (['is draining', 'TERABUS_DRAINING'] as const);
      throw new BusError(`${this.plan.name} ${why} and can't subscribe to '${definition.template}'`, { reason });
    }
    this.#declared.checkTopic(definition, 'subscribes to');
    const types = type === undefined ? [[WHOLE_PAYLOAD, undefined] as const] : [...spread([type])];
    const plan = { name: `${this.plan.name}.subscribe(${definition.template})`, middlewares: [] };
    const run = this.#around(plan, handler);
    const handlers = types.map(
      ([typeName, messageType]) => [typeName, { place: this.#place(plan), type: messageType, run }] as const,
    );
    const listening = this.#listeners.listen(source, handlers);
    try {
      await listening.subscriptions;
    } catch (error) {
      await this.#listeners.leave(listening, handlers);
      throw error;
    }
    let stopped: Promise<void> | undefined;
    return {
      stop: () => {
        stopped ??= this.#listeners.leave(listening, handlers);
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
