import { BusError } from '@terabus/messages';
import { pino } from 'pino';
import type { ServiceClass, ServicePlan } from '../contract/contract-of.js';
import { contractOf } from '../contract/contract-of.js';
import { makesRequests } from '../contract/needs.js';
import { type DeadLetters, openDeadLetters } from '../durable/dead-letters.js';
import { expectStore } from '../durable/store-check.js';
import { Suspects } from '../durable/suspects.js';
import { EventLoopDelay } from '../health/event-loop-delay.js';
import { type Health, healthOf } from '../health/health.js';
import { HealthServer } from '../health/health-server.js';
import { logLink } from '../health/link-log.js';
import { Counter, type Counters } from '../observe/counters.js';
import { errorSerializer } from '../observe/error-serializer.js';
import { logOutput } from '../observe/log-destination.js';
import { logHooks } from '../observe/log-hooks.js';
import { messageSerializer, typesOf } from '../observe/message-serializer.js';
import type { BusEvent } from '../observe/observer.js';
import { say } from '../observe/say.js';
import { tell } from '../observe/tell.js';
import { ulids } from '../publishing/ids.js';
import { buildService } from './build-service.js';
import { deferred } from './deferred.js';
import { drain } from './drain.js';
import type { Host, StopReport } from './host.js';
import type { CheckedHostOptions } from './host-options.js';
import type { HostParts } from './host-parts.js';
import type { LifecycleState } from './lifecycle.js';
import { Lifecycle } from './lifecycle.js';
import { RunningService } from './running-service.js';
import { failingAs, STEP, type Step, startGivenUp } from './start-steps.js';
import type { TeraService } from './tera-service.js';
import type { Logger } from './tokens.js';

/** What `onStop` hooks get at least, together, also when the drain has used up its time: they close databases. */
const LAST_HOOKS_MS = 2_000;

/** The host as it runs: the steps of its start, and of its end. */
export class RunningHost implements Host {
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
  #unwatch: () => void = () => {};
  readonly #eventLoop = new EventLoopDelay();
  readonly #suspects: Suspects;
  #endExpectation: () => void = () => {};
  readonly #healthServer: HealthServer | undefined;
  #healthPort: number | undefined;

  constructor(options: CheckedHostOptions) {
    this.#options = options;
    const logger = options.logger ?? pino({ level: options.logLevel, hooks: logHooks }, logOutput());
    this.#logger = logger.child({}, { serializers: { err: errorSerializer(logger) } });
    this.#suspects = new Suspects(options.clock);
    const parts = this.#hostParts();
    if (options.health !== undefined) this.#healthServer = new HealthServer(() => this.health());
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

  get #running(): RunningService[] {
    return [...this.#services.values()].map(({ running }) => running);
  }

  get healthPort(): number | undefined {
    return this.#healthPort;
  }

  get plans(): readonly ServicePlan[] {
    return this.#running.map(({ plan }) => plan);
  }

  get counters(): Counters {
    return this.#counter.snapshot();
  }

  get stopped(): Promise<StopReport> {
    return this.#ended.promise;
  }

  service<S extends TeraService>(serviceClass: ServiceClass<S>): S {
    return this.#entry(serviceClass).instance as S;
  }

  #entry(serviceClass: ServiceClass) {
    const entry = this.#services.get(serviceClass);
    if (entry?.instance !== undefined) return entry;
    throw new BusError(`this host has no running ${serviceClass.name}`, { reason: 'TERABUS_NOT_STARTED' });
  }

  deadLetters(serviceClass: ServiceClass): DeadLetters {
    const { plan } = this.#entry(serviceClass).running;
    const { transport } = this.#options;
    return openDeadLetters({ transport, contract: plan.contract, types: typesOf(plan) });
  }

  async catchUp(): Promise<void> {
    await Promise.all(this.#running.map(({ stored }) => stored.catchUp(undefined)));
  }

  health(): Health {
    return healthOf({
      state: this.state,
      lost: this.#lost !== undefined,
      transport: this.#options.transport.health(),
      services: this.#running.map(({ health }) => health),
      ofServices: this.#running.flatMap(({ stored }) => stored.problems),
      eventLoop: this.#eventLoop.read(),
      counters: this.counters,
    });
  }

  async start(): Promise<Host> {
    const { clock, startTimeoutMs, transport, signal, health } = this.#options;
    this.#unwatch = transport.watch((event) => {
      logLink(this.#logger, event);
      this.#emit({ kind: 'link', event });
    });
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
    // Before anybody waits for it too: the health may still be about to be shown.
    late.promise.catch(() => undefined);
    const onAbort = () => late.reject(startGivenUp(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      if (signal?.aborted) throw startGivenUp(signal);
      this.#healthPort = health && (await this.#healthServer?.listen(health));
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
      say(this.#logger, 'fatal', { err: error }, 'the transport was closed and nobody had asked for it');
      this.#lost = error;
      // It brings no more and takes no more: to wait would be in vain.
      this.#gone.resolve();
      void this.stop();
    });
    return this;
  }

  /** Says in the log that it is started: for a process that does nothing else, and whose terminal would stay empty. */
  announce(): void {
    const services = this.#running.map(({ plan }) => plan.contract.address);
    const { kind } = this.#options.transport;
    say(this.#logger, 'info', { services, transport: kind }, `started: ${services.join(', ')}`);
  }

  stop(): Promise<StopReport> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #startServices(signal: AbortSignal): Promise<void> {
    const { transport, clock } = this.#options;
    // A step that ends after the start was given up must not be followed by another.
    const step = async <T>(plan: ServicePlan, { doing, failed }: Step, run: () => Promise<T>): Promise<T> => {
      this.#starting = { service: plan.name, doing };
      const result = await failingAs(plan, failed, run);
      signal.throwIfAborted();
      return result;
    };
    for (const [serviceClass, entry] of this.#services) {
      const { running } = entry;
      const instance = await step(running.plan, STEP.build, () => buildService(serviceClass, running, this.#options));
      entry.instance = instance;
      await step(running.plan, STEP.onStart, () => running.start(instance, signal));
    }
    const storing = this.#running.find(({ storing }) => storing);
    if (storing !== undefined) {
      this.#refuseOtherClock(storing.plan);
      const expectation = await step(storing.plan, STEP.store, () =>
        expectStore({ transport, clock, logger: this.#logger }, this.plans, this.#options.store),
      );
      this.#endExpectation = () => expectation.end();
    }
    // A permission that is missing shows here, and not with the first call.
    const asking = this.#running.find(({ plan }) => makesRequests(plan));
    if (asking !== undefined) {
      await step(asking.plan, STEP.prepareRequests, () => transport.prepareRequests());
    }
    for (const { running } of this.#services.values()) {
      await step(running.plan, STEP.subscribe, () => running.listen());
    }
    for (const { running } of this.#services.values()) {
      await step(running.plan, STEP.onReady, () => running.ready());
    }
  }

  /** What is put off by one clock comes back by the other: never, where that one stands still. */
  #refuseOtherClock({ name }: ServicePlan): void {
    const { transport, clock } = this.#options;
    if (transport.clock === undefined || transport.clock === clock) return;
    throw new BusError(
      `${name} has durable topics, and the broker in memory another clock than the host, so that nothing would be tried again: start the host with 'clock: broker.clock' and move it, or make the broker with 'clock: systemClock'`,
      { reason: 'TERABUS_HOST_INVALID' },
    );
  }

  /** Each step goes on whatever the one before came to: what can still be finished, is. */
  async #stop(): Promise<StopReport> {
    const { clock, drainTimeoutMs, transport } = this.#options;
    const begin = clock.elapsed();
    this.#lifecycle.advance('draining');
    const started = [...this.#services.values()]
      .filter(({ instance }) => instance !== undefined)
      .map(({ running }) => running);
    this.#suspects.end();
    const cutOffs = await drain(started, { clock, drainTimeoutMs, gone: this.#gone.promise });

    const tooLate = deferred<void>();
    const leftMs = Math.max(LAST_HOOKS_MS, drainTimeoutMs - (clock.elapsed() - begin));
    const lastTimer = clock.setTimer(leftMs, () => tooLate.resolve());
    for (const running of started.toReversed()) await running.stop(tooLate.promise);
    lastTimer.cancel();
    try {
      await transport.close();
    } catch (failure) {
      say(this.#logger, 'error', { err: failure }, 'the transport could not be closed');
    }
    for (const running of started) running.end();
    this.#lifecycle.advance('stopped');
    this.#unwatch();
    this.#endExpectation();
    await this.#healthServer?.close();
    this.#eventLoop.stop();
    const report: StopReport = {
      running: cutOffs.reduce((sum, { running }) => sum + running, 0),
      waiting: cutOffs.reduce((sum, { waiting }) => sum + waiting, 0),
      error: this.#lost,
    };
    this.#ended.resolve(report);
    return report;
  }

  readonly #emit = (event: BusEvent): void => {
    this.#counter.count(event);
    tell(this.#options.observers, event, this.#logger);
  };

  #hostParts(): HostParts {
    const { transport, clock, config, middlewares, interceptors, observers } = this.#options;
    const { callRetries, answerRedisClients, standbyAfterMs, drainTimeoutMs, version, inbox } = this.#options;
    const newId = ulids(clock);
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
      standbyAfterMs,
      drainTimeoutMs,
      version,
      inbox,
      suspects: this.#suspects,
      emit: this.#emit,
      watch: observers.length === 0 ? undefined : this.#emit,
    };
  }
}
