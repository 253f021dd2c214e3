import type { BusError } from '@terabus/messages';
import { check } from '../contract/check.js';
import type { ServiceClass, ServicePlan } from '../contract/contract-of.js';
import type { DeadLetters } from '../durable/dead-letters.js';
import type { Health } from '../health/health.js';
import type { Counters } from '../observe/counters.js';
import type { CutOff } from './finish.js';
import { type HostOptions, hostOptions } from './host-options.js';
import type { LifecycleState } from './lifecycle.js';
import { RunningHost } from './running-host.js';
import type { TeraService } from './tera-service.js';

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
  /** How it is at this moment. See {@link Health}. */
  health(): Health;
  /** The port at which `/livez` and `/readyz` are answered; undefined without the option `health`. */
  readonly healthPort: number | undefined;
  /** What a service of this host has given up. */
  deadLetters(serviceClass: ServiceClass): DeadLetters;
  /**
   * Resolves when all that is stored for the services of this host at this moment has been handled, or put aside to be
   * tried again. What is published meanwhile is not waited for.
   *
   * @throws BusError `TERABUS_DRAINING` when the host drains before
   */
  catchUp(): Promise<void>;
  /** What each service says of itself: the one record from which documentation and permissions are made. */
  readonly plans: readonly ServicePlan[];
  /**
   * Drains: takes nothing more in, lets what arrived be handled within `drainTimeoutMs`, sends what the handlers
   * published, and closes the transport. Messages go first: calls are taken in as long as handlers of messages run, at
   * most for half of the time, since these may call the services of this host. Calling it again returns the same
   * promise.
   */
  stop(): Promise<StopReport>;
  /** Resolves when the host has ended, by `stop` or by itself. */
  readonly stopped: Promise<StopReport>;
}

/**
 * Starts services: builds each with inversify, calls `onStart`, subscribes, calls `onReady`. Resolves when everything
 * that is published from now on arrives.
 *
 * Of services with `instances: 'one'` this may be the second instance: it then holds what arrives until the first has
 * finished, or stands by, and has started all the same.
 *
 * @throws BusError `TERABUS_HOST_INVALID`, `TERABUS_SERVICE_INVALID` or `TERABUS_START_FAILED`, with a sentence that
 * names class and method, or the port of `health` that is taken. Whatever was started is stopped again, and the transport is closed.
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
