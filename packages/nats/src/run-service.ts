import type { HostOptions, ServiceClass } from '@terabus/core';
import {
  hostEnvironment,
  hostOptionsFromEnv,
  logHooks,
  refuseUnknownVariables,
  runUntilSignal,
  startHost,
} from '@terabus/core';
import { pino } from 'pino';
import { connectNats } from './connect-nats.js';
import { natsEnvironment, natsOptionsFromEnv } from './environment.js';

/** Variables that tests and the project's own scripts set; services leave them alone. */
const OTHERS = ['TERABUS_NATS_SERVER', 'TERABUS_SEED', 'TERABUS_TMP'];

/** What `runService` is told beside the classes: options of the host, but for those that it decides itself. */
export type RunOptions = Omit<HostOptions, 'transport' | 'services' | 'signal'>;

/**
 * Runs services over NATS until SIGTERM or SIGINT: everything in one line, options from the environment. Options
 * given here win over the environment. The process exits with one of the `EXIT` codes of `@terabus/core`.
 *
 * ```ts
 * await runService(UserManagerService);
 * ```
 *
 * @param services classes with `@Service`, then, if need be, options of the host
 */
export async function runService(...services: readonly [...ServiceClass[], ServiceClass | RunOptions]): Promise<never> {
  return runUntilSignal((signal) => start(services, signal));
}

async function start(given: readonly (ServiceClass | RunOptions)[], signal: AbortSignal) {
  const services = given.filter((each) => typeof each === 'function');
  const options = Object.assign({}, ...given.filter((each) => typeof each !== 'function')) as RunOptions;
  refuseUnknownVariables([...hostEnvironment, ...natsEnvironment, ...OTHERS], process.env);
  const fromEnv = hostOptionsFromEnv();
  const logger = options.logger ?? pino({ level: options.logLevel ?? fromEnv.logLevel ?? 'info', hooks: logHooks });
  const connecting = connectNats({
    ...natsOptionsFromEnv(),
    name: services
      .map(({ name }) => name)
      .join('+')
      .slice(0, 64),
  });
  const transport = await Promise.race([connecting, aborted(signal)]);
  return startHost({ ...fromEnv, ...options, logger, transport, services, signal });
}

/** Nobody has to wait for a server that is late only to end. */
const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
