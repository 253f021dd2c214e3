import { Container } from 'inversify';
import { z } from 'zod';
import type { ServiceClass } from '../contract/contract-of.js';
import type { Inbox } from '../durable/inbox.js';
import { type StorePlanOptions, storePlanOptions } from '../durable/plan-streams.js';
import type { HealthOptions } from '../health/health-server.js';
import type { Middleware } from '../middleware/middleware.js';
import type { Observer } from '../observe/observer.js';
import type { Interceptor } from '../publishing/interceptor.js';
import type { CallRetryOptions } from '../rpc/retry.js';
import { callRetries } from '../rpc/retry.js';
import type { Clock } from '../transport/clock.js';
import { systemClock } from '../transport/system-clock.js';
import type { Transport } from '../transport/transport.js';
import type { Config, Logger } from './tokens.js';

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
  /**
   * Defaults to pino on standard output, which never waits for whoever reads it: up to 1 MiB of lines wait for a
   * reader, what comes beyond is dropped and counted in the log, and the end of the process waits a second. A logger of
   * your own decides that for itself; pino's own destinations keep a process from ending until everything is read.
   */
  readonly logger?: Logger | undefined;
  /** The level of the host's own logger, where no `logger` is given. Defaults to 'info'. */
  readonly logLevel?: (typeof logLevels)[number] | undefined;
  /** Defaults to the machine's. Tests hand in a virtual one. */
  readonly clock?: Clock | undefined;
  /** Around every handler of every service, the first outermost. */
  readonly middlewares?: readonly Middleware[] | undefined;
  /** Around everything that leaves a service, the first outermost. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Told of everything that happens. */
  readonly observers?: readonly Observer[] | undefined;
  /**
   * When calls of methods whose contract says `idempotent` are made again: within their deadline, after 50 ms that grow
   * to 1 s, where the link was lost or the callee says that it executes nothing. Defaults: {@link CallRetryOptions}.
   */
  readonly callRetries?: CallRetryOptions | undefined;
  /** How long all `onStart` hooks and subscriptions together may take, in milliseconds. Defaults to 30,000. */
  readonly startTimeoutMs?: number | undefined;
  /**
   * Gives up the start when it aborts: what was started is stopped again, and calls that came already are answered.
   * Once the host has started it means nothing. Defaults to none.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long `onDrain` hooks and running handlers may take when the host stops, or hands over to another instance, in
   * milliseconds; `onStop` hooks get what is left, and at least 2 s. Defaults to 25,000, so that there is time left of the 30 s that Kubernetes gives
   * a process.
   */
  readonly drainTimeoutMs?: number | undefined;
  /**
   * Whether a request without a reply subject is answered at its `reply_to`, if that has the shape
   * `RedisRPCClient.<uuid>`: for callers behind a bridge to OpenTera's Redis. Defaults to false: an answer goes to the
   * caller's own inbox and nowhere else.
   */
  readonly answerRedisClients?: boolean | undefined;
  /**
   * Answers `GET /livez` and `GET /readyz` of probes at a port, with `host.health()` as JSON: 200, or 503. It is there
   * from the start on, and until all has ended. Defaults to none.
   */
  readonly health?: HealthOptions | undefined;
  /**
   * Of services with `instances: 'one'`: after so many milliseconds of silence the active instance is taken for gone,
   * and a standby takes over. It speaks three times as often. Defaults to 3,000: a process that does not come to speak
   * for that long does not come to handle messages either. All instances of a service should have the same.
   */
  readonly standbyAfterMs?: number | undefined;
  /**
   * Remembers what handlers with `deduplicate` have finished. Defaults to the bucket of each service, which remembers
   * for 7 days: a crash between an effect and its mark repeats the effect. `@terabus/sql` has one that marks in the
   * transaction of the effect.
   */
  readonly inbox?: Inbox | undefined;
  /**
   * The options of `planStreams` that `provision` was run with: the host compares what is there with the same plan, and
   * refuses to start where they differ. Defaults to its defaults.
   */
  readonly store?: StorePlanOptions | undefined;
  /** The version of the services, as dead letters name it. Defaults to none. */
  readonly version?: string | undefined;
}

/** The levels of pino, from the most to the least talkative. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const functions = (what: string) => z.array(z.custom<never>((value) => typeof value === 'function', what)).default([]);
/** Checks the options of a host and fills in what is left out. */
export const hostOptions = z.strictObject({
  transport: z.custom<Transport>((value) => typeof (value as Transport)?.subscribe === 'function', 'a Transport'),
  services: z.array(z.custom<ServiceClass>((value) => typeof value === 'function', 'a class with @Service')).min(1),
  container: z.instanceof(Container).optional(),
  config: z.record(z.string(), z.unknown()).default({}),
  logger: z.custom<Logger>((value) => typeof (value as Logger)?.child === 'function', 'a pino logger').optional(),
  logLevel: z.enum(logLevels).default('info'),
  clock: z
    .custom<Clock>((value) => typeof (value as Clock)?.setTimer === 'function', 'a Clock')
    .default(() => systemClock),
  middlewares: functions('a middleware'),
  interceptors: functions('an interceptor'),
  observers: functions('an observer'),
  callRetries,
  startTimeoutMs: z.int().min(1).default(30_000),
  signal: z
    .custom<AbortSignal>((value) => typeof (value as AbortSignal)?.addEventListener === 'function', 'an AbortSignal')
    .optional(),
  drainTimeoutMs: z.int().min(0).default(25_000),
  answerRedisClients: z.boolean().default(false),
  health: z.strictObject({ port: z.int().min(0).max(65_535), host: z.string().min(1).optional() }).optional(),
  standbyAfterMs: z.int().min(30).default(3_000),
  inbox: z.custom<Inbox>((value) => typeof (value as Inbox)?.once === 'function', 'an Inbox').optional(),
  store: storePlanOptions.prefault({}),
  version: z.string().min(1).max(200).optional(),
});

/** The options of a host, checked and with their defaults. */
export type CheckedHostOptions = z.output<typeof hostOptions>;
