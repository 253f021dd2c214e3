import { BusError } from '@terabus/messages';
import { Container } from 'inversify';
import { pino } from 'pino';
import { monotonicFactory } from 'ulid';
import { z } from 'zod';
import { check } from '../contract/check.js';
import type { ServiceClass, ServicePlan } from '../contract/contract-of.js';
import { contractOf } from '../contract/contract-of.js';
import type { Middleware } from '../middleware/middleware.js';
import { Counter, type Counters } from '../observe/counters.js';
import { errorSerializer } from '../observe/error-serializer.js';
import { messageSerializer, typesOf } from '../observe/message-serializer.js';
import type { BusEvent, Observer } from '../observe/observer.js';
import type { Interceptor } from '../publishing/interceptor.js';
import { Sequencer } from '../sequencing/sequencer.js';
import type { Clock as ClockPort } from '../transport/clock.js';
import { systemClock } from '../transport/system-clock.js';
import type { Transport } from '../transport/transport.js';
import { deferred } from './deferred.js';
import type { LifecycleState } from './lifecycle.js';
import { Lifecycle } from './lifecycle.js';
import type { CutOff, HostParts } from './running-service.js';
import { RunningService } from './running-service.js';
import { TeraService } from './tera-service.js';
import { Bus, Clock, Config, Logger } from './tokens.js';

/** What a host is started with. */
export interface HostOptions {
  /** What carries the messages. The host owns it from now on, and closes it at its end. */
  readonly transport: Transport;
  /** The classes of the services, each with `@Service`. They are started in this order. */
  readonly services: readonly ServiceClass[];
  /**
   * Where inversify finds what the services ask for with `@inject`. Each service gets a child of it, in which `Bus`,
   * `Logger`, `Clock` and `Config` are its own and every `@injectable()` class is found without a binding, one of it
   * for each service. What is bound here is shared, and must not ask for the bus.
   */
  readonly container?: Container | undefined;
  /** The application's own configuration: found as `this.config` and `@inject(Config)`. Defaults to nothing. */
  readonly config?: Config | undefined;
  /** Defaults to pino on standard output, at the level 'info'. */
  readonly logger?: Logger | undefined;
  /** Defaults to the machine's. Tests hand in a virtual one. */
  readonly clock?: ClockPort | undefined;
  /** Around every handler of every service, the first outermost. */
  readonly middlewares?: readonly Middleware[] | undefined;
  /** Around everything that leaves a service, the first outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Told of everything that happens. */
  readonly observers?: readonly Observer[] | undefined;
  /** How long all `onStart` hooks and subscriptions together may take, in milliseconds. Defaults to 30,000. */
  readonly startTimeoutMs?: number | undefined;
  /**
   * How long `onDrain` hooks and running handlers may take when the host stops, in milliseconds; `onStop` hooks get
   * what is left, and at least 2 s. Defaults to 25,000, so that there is time left of the 30 s that Kubernetes gives
   * a process.
   */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * Whether a request without a reply subject is answered at its `reply_to`, if that has the shape
   * `RedisRPCClient.<uuid>`: for callers behind a bridge to OpenTera's Redis. Defaults to false: an answer goes to the
   * caller's own inbox and nowhere else.
   */
  readonly answerRedisClients?: boolean | undefined;
}

const functions = (what: string) => z.array(z.custom<never>((value) => typeof value === 'function', what)).default([]);
const hostOptions = z.strictObject({
  transport: z.custom<Transport>((value) => typeof (value as Transport)?.subscribe === 'function', 'a Transport'),
  services: z.array(z.custom<ServiceClass>((value) => typeof value === 'function', 'a class with @Service')).min(1),
  container: z.instanceof(Container).optional(),
  config: z.record(z.string(), z.unknown()).default({}),
  logger: z.custom<Logger>((value) => typeof (value as Logger)?.child === 'function', 'a pino logger').optional(),
  clock: z
    .custom<ClockPort>((value) => typeof (value as ClockPort)?.setTimer === 'function', 'a Clock')
    .default(systemClock),
  middlewares: functions('a middleware'),
  interceptors: functions('an interceptor'),
  observers: functions('an observer'),
  startTimeoutMs: z.int().min(1).default(30_000),
  drainTimeoutMs: z.int().min(0).default(25_000),
  answerRedisClients: z.boolean().default(false),
});

/** How a host ended. */
export interface StopReport extends CutOff {
  /** Why it ended by itself: the transport was closed and nobody had asked for it. */
  readonly error: BusError | undefined;
}

/** Services at work in one process, on one transport. */
export interface Host {
  readonly state: LifecycleState;
  /** The instance of a service, for tests and for code around the host. */
  service<S extends TeraService>(serviceClass: ServiceClass<S>): S;
  /** What has happened so far, in numbers. */
  readonly counters: Counters;
  /** What each service says of itself: the one record from which documentation and permissions are made. */
  readonly plans: readonly ServicePlan[];
  /**
   * Drains: takes nothing more in, lets what arrived be handled within `drainTimeoutMs`, sends what the handlers
   * published, and closes the transport. Calling it again returns the same promise.
   */
  stop(): Promise<StopReport>;
  /** Resolves when the host has ended, by `stop` or by itself. */
  readonly stopped: Promise<StopReport>;
}

/**
 * Starts services: builds each with inversify, calls `onStart`, subscribes, calls `onReady`. Resolves when everything
 * that is published from now on arrives.
 *
 * @throws BusError `TERABUS_HOST_INVALID`, `TERABUS_SERVICE_INVALID` or `TERABUS_START_FAILED`, with a sentence that
 * names class and method. Whatever was started is stopped again, and the transport is closed.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  try {
    const valid = check(hostOptions, options, 'startHost', 'TERABUS_HOST_INVALID');
    return await new RunningHost(valid).start();
  } catch (error) {
    // Why it could not start says more than what the transport might have to say now.
    await Promise.resolve(options?.transport?.close?.()).catch(() => undefined);
    throw error;
  }
}

/** What `onStop` hooks get at least, together, also when the drain has used up its time: they close databases. */
const LAST_HOOKS_MS = 2_000;

class RunningHost implements Host {
  readonly #options: z.output<typeof hostOptions>;
  readonly #lifecycle = new Lifecycle();
  readonly #counter = new Counter();
  readonly #logger: Logger;
  readonly #services = new Map<ServiceClass, { readonly running: RunningService; instance: TeraService | undefined }>();
  readonly #ended = deferred<StopReport>();
  #stopping: Promise<StopReport> | undefined;
  /** Why the transport went away, if it did so by itself. */
  #lost: BusError | undefined;
  readonly #gone = deferred<void>();

  constructor(options: z.output<typeof hostOptions>) {
    this.#options = options;
    const logger = options.logger ?? pino({ level: 'info' });
    this.#logger = logger.child({}, { serializers: { err: errorSerializer(logger) } });
    const parts = this.#hostParts();
    for (const serviceClass of options.services) {
      const plan = contractOf(serviceClass);
      const twin = [...this.#services.values()].find(
        ({ running }) => running.plan.contract.address === plan.contract.address,
      );
      if (twin !== undefined) {
        throw new BusError(
          `${plan.name} and ${twin.running.plan.name} both serve ${plan.contract.address} in one host`,
          {
            reason: 'TERABUS_HOST_INVALID',
          },
        );
      }
      const serializers = { message: messageSerializer(typesOf(plan)) };
      const logger = this.#logger.child({ service: plan.contract.address }, { serializers });
      this.#services.set(serviceClass, { running: new RunningService(plan, logger, parts), instance: undefined });
    }
  }

  get state(): LifecycleState {
    return this.#lifecycle.state;
  }

  get plans(): readonly ServicePlan[] {
    return [...this.#services.values()].map(({ running }) => running.plan);
  }

  get counters(): Counters {
    return this.#counter.snapshot();
  }

  get stopped(): Promise<StopReport> {
    return this.#ended.promise;
  }

  service<S extends TeraService>(serviceClass: ServiceClass<S>): S {
    const instance = this.#services.get(serviceClass)?.instance;
    if (instance !== undefined) return instance as S;
    throw new BusError(`this host has no running ${serviceClass.name}`, { reason: 'TERABUS_NOT_STARTED' });
  }

  async start(): Promise<Host> {
    const { clock, startTimeoutMs, transport } = this.#options;
    const controller = new AbortController();
    const late = deferred<never>();
    const timer = clock.setTimer(startTimeoutMs, () => {
      const error = new BusError(`the services were not started within ${startTimeoutMs} ms`, {
        reason: 'TERABUS_START_FAILED',
      });
      controller.abort(error);
      late.reject(error);
    });
    try {
      await Promise.race([this.#startServices(controller.signal), late.promise]);
    } catch (error) {
      controller.abort(error);
      await this.#stop();
      throw error;
    } finally {
      timer.cancel();
    }
    this.#lifecycle.advance('running');
    void transport.closed.then((error) => {
      if (error === undefined) return;
      this.#logger.fatal({ err: error }, 'the transport was closed and nobody had asked for it');
      this.#lost = error;
      // It brings no more and takes no more: to wait would be in vain.
      this.#gone.resolve();
      void this.stop();
    });
    return this;
  }

  stop(): Promise<StopReport> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #startServices(signal: AbortSignal): Promise<void> {
    // A step that ends after the start was given up must not be followed by another.
    const step = async <T>(plan: ServicePlan, what: string, run: () => Promise<T>): Promise<T> => {
      const result = await failingAs(plan, what, run);
      signal.throwIfAborted();
      return result;
    };
    for (const [serviceClass, entry] of this.#services) {
      const { running } = entry;
      const instance = await step(running.plan, 'could not be built', () => this.#build(serviceClass, running));
      entry.instance = instance;
      await step(running.plan, 'failed in onStart', () => running.start(instance, signal));
    }
    for (const { running } of this.#services.values()) {
      await step(running.plan, 'could not subscribe', () => running.listen());
    }
    for (const { running } of this.#services.values()) {
      await step(running.plan, 'failed in onReady', () => running.ready());
    }
  }

  async #build(serviceClass: ServiceClass, { bus, logger }: RunningService): Promise<TeraService> {
    const { container: parent, clock, config } = this.#options;
    const container = new Container({
      ...(parent === undefined ? {} : { parent }),
      autobind: true,
      defaultScope: 'Singleton',
    });
    container.bind(Bus).toConstantValue(bus);
    container.bind(Logger).toConstantValue(logger);
    container.bind(Clock).toConstantValue(clock);
    container.bind(Config).toConstantValue(config);
    const instance = await container.getAsync(serviceClass as never);
    if (instance instanceof TeraService) return instance;
    throw new BusError(`${serviceClass.name} does not extend TeraService`, { reason: 'TERABUS_SERVICE_INVALID' });
  }

  /** Each step goes on whatever the one before came to: what can still be finished, is. */
  async #stop(): Promise<StopReport> {
    const { clock, drainTimeoutMs, transport } = this.#options;
    const begin = clock.elapsed();
    this.#lifecycle.advance('draining');
    const started = [...this.#services.values()]
      .filter(({ instance }) => instance !== undefined)
      .map(({ running }) => running);
    const timeIsUp = deferred<void>();
    void this.#gone.promise.then(timeIsUp.resolve);
    const timer = clock.setTimer(drainTimeoutMs, () => timeIsUp.resolve());
    const cutOffs = await Promise.all(started.map((running) => running.drain(timeIsUp.promise)));
    timer.cancel();

    const tooLate = deferred<void>();
    const leftMs = Math.max(LAST_HOOKS_MS, drainTimeoutMs - (clock.elapsed() - begin));
    const lastTimer = clock.setTimer(leftMs, () => tooLate.resolve());
    for (const running of started.toReversed()) await running.stop(tooLate.promise);
    lastTimer.cancel();
    try {
      await transport.close();
    } catch (failure) {
      this.#logger.error({ err: failure }, 'the transport could not be closed');
    }
    this.#lifecycle.advance('stopped');
    const report: StopReport = {
      running: cutOffs.reduce((sum, { running }) => sum + running, 0),
      waiting: cutOffs.reduce((sum, { waiting }) => sum + waiting, 0),
      error: this.#lost,
    };
    this.#ended.resolve(report);
    return report;
  }

  #hostParts(): HostParts {
    const { transport, clock, config, middlewares, interceptors, observers, answerRedisClients } = this.#options;
    const ulid = monotonicFactory();
    const newId = () => ulid(clock.now());
    return {
      transport,
      clock,
      config,
      lifecycle: this.#lifecycle,
      sequencer: new Sequencer({ newEpoch: newId }),
      newId,
      middlewares,
      interceptors,
      answerRedisClients,
      emit: (event) => this.#tell(observers, event),
      watch: observers.length === 0 ? undefined : (event) => this.#tell(observers, event),
    };
  }

  #tell(observers: readonly Observer[], event: BusEvent): void {
    this.#counter.count(event);
    for (const observer of observers) {
      const failed = (error: unknown) => this.#logger.error({ err: error, event: event.kind }, 'an observer failed');
      try {
        // The type says void, which an async function fits too: its rejection must not end the process.
        const result: unknown = observer(event);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

async function failingAs<T>(plan: ServicePlan, what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (BusError.is(error) && error.reason === 'TERABUS_SERVICE_INVALID') throw error;
    const known = BusError.from(error);
    throw new BusError(`${plan.name} ${what}: ${known.rawMessage}`, {
      reason: 'TERABUS_START_FAILED',
      code: BusError.is(error) ? known.code : 'FAILED_PRECONDITION',
      cause: error,
    });
  }
}
