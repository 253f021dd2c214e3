import { BusError } from '@terabus/messages';
import { Container } from 'inversify';
import { pino } from 'pino';
import { monotonicFactory } from 'ulid';
import { check } from '../contract/check.js';
import type { ServiceClass, ServicePlan } from '../contract/contract-of.js';
import { contractOf } from '../contract/contract-of.js';
import { Counter, type Counters } from '../observe/counters.js';
import { errorSerializer } from '../observe/error-serializer.js';
import { logHooks } from '../observe/log-hooks.js';
import { messageSerializer, typesOf } from '../observe/message-serializer.js';
import type { BusEvent, Observer } from '../observe/observer.js';
import { deferred } from './deferred.js';
import { type CheckedHostOptions, type HostOptions, hostOptions } from './host-options.js';
import type { HostParts } from './host-parts.js';
import type { LifecycleState } from './lifecycle.js';
import { Lifecycle } from './lifecycle.js';
import type { CutOff } from './running-service.js';
import { RunningService } from './running-service.js';
import { TeraService } from './tera-service.js';
import { Bus, Clock, Config, Logger } from './tokens.js';

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

/** The steps of a start, as sentences tell of one that takes too long, and of one that fails. */
const STEP = {
  build: { doing: 'being built', failed: 'could not be built' },
  onStart: { doing: 'in onStart', failed: 'failed in onStart' },
  subscribe: { doing: 'subscribing', failed: 'could not subscribe' },
  onReady: { doing: 'in onReady', failed: 'failed in onReady' },
} as const;
type Step = (typeof STEP)[keyof typeof STEP];

class RunningHost implements Host {
  readonly #options: CheckedHostOptions;
  readonly #lifecycle = new Lifecycle();
  readonly #counter = new Counter();
  readonly #logger: Logger;
  readonly #services = new Map<ServiceClass, { readonly running: RunningService; instance: TeraService | undefined }>();
  readonly #ended = deferred<StopReport>();
  /** Who is being started, and how far it is. */
  #starting = { service: '', doing: '' };
  #stopping: Promise<StopReport> | undefined;
  /** Why the transport went away, if it did so by itself. */
  #lost: BusError | undefined;
  readonly #gone = deferred<void>();

  constructor(options: CheckedHostOptions) {
    this.#options = options;
    const logger = options.logger ?? pino({ level: options.logLevel, hooks: logHooks });
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
    const { clock, startTimeoutMs, transport, signal } = this.#options;
    const controller = new AbortController();
    const late = deferred<never>();
    const timer = clock.setTimer(startTimeoutMs, () => {
      const { service, doing } = this.#starting;
      const error = new BusError(`the services were not started within ${startTimeoutMs} ms: ${service} is ${doing}`, {
        reason: 'TERABUS_START_FAILED',
        details: { service, doing },
      });
      controller.abort(error);
      late.reject(error);
    });
    const onAbort = () => late.reject(startGivenUp(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted) throw startGivenUp(signal);
      await Promise.race([this.#startServices(controller.signal), late.promise]);
    } catch (error) {
      controller.abort(error);
      await this.#stop();
      throw error;
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
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
    const step = async <T>(plan: ServicePlan, { doing, failed }: Step, run: () => Promise<T>): Promise<T> => {
      this.#starting = { service: plan.name, doing };
      const result = await failingAs(plan, failed, run);
      signal.throwIfAborted();
      return result;
    };
    for (const [serviceClass, entry] of this.#services) {
      const { running } = entry;
      const instance = await step(running.plan, STEP.build, () => this.#build(serviceClass, running));
      entry.instance = instance;
      await step(running.plan, STEP.onStart, () => running.start(instance, signal));
    }
    for (const { running } of this.#services.values()) {
      await step(running.plan, STEP.subscribe, () => running.listen());
    }
    for (const { running } of this.#services.values()) {
      await step(running.plan, STEP.onReady, () => running.ready());
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
    for (const running of started) running.end();
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
    const { transport, clock, config, middlewares, interceptors, observers, callRetries, answerRedisClients } =
      this.#options;
    const ulid = monotonicFactory();
    const newId = () => ulid(clock.now());
    return {
      transport,
      clock,
      config,
      lifecycle: this.#lifecycle,
      newId,
      middlewares,
      interceptors,
      callRetries,
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

const startGivenUp = (signal: AbortSignal | undefined) =>
  new BusError('the start was given up', { reason: 'TERABUS_START_FAILED', code: 'CANCELLED', cause: signal?.reason });

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
