import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { given, readEnvironment, type Variable } from '../transport/environment.js';
import { logLevels } from './host-options.js';

/**
 * Refuses names that begin with `TERABUS_` and that nobody reads: they are typing errors, and a forgotten limit is
 * found too late.
 *
 * @param known the names that somebody reads
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`
 */
export function refuseUnknownVariables(
  known: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('TERABUS_') && !known.includes(name));
  if (unknown.length === 0) return;
  throw new BusError(
    `nobody reads the environment variable${unknown.length > 1 ? 's' : ''} ${unknown.join(', ')}; there are ${known.filter((name) => name.startsWith('TERABUS_')).join(', ')}`,
    { reason: 'TERABUS_ENVIRONMENT_INVALID' },
  );
}

const milliseconds = (least: number): Variable<number> => ({
  schema: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= least),
  expected: `a whole number of milliseconds, ${least} or more`,
});

const variables = {
  TERABUS_LOG_LEVEL: { schema: z.string().pipe(z.enum(logLevels)), expected: `one of ${logLevels.join(', ')}` },
  TERABUS_START_TIMEOUT_MS: milliseconds(1),
  TERABUS_DRAIN_TIMEOUT_MS: milliseconds(0),
  TERABUS_ANSWER_REDIS_CLIENTS: {
    schema: z
      .string()
      .pipe(z.enum(['true', 'false']))
      .transform((text) => text === 'true'),
    expected: 'true or false',
  },
  TERABUS_HEALTH_PORT: {
    schema: z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number)
      .refine((port) => port >= 1 && port <= 65_535),
    expected: 'a port, 1 to 65535',
  },
} as const satisfies Readonly<Record<string, Variable>>;

/** The names of the variables that {@link hostOptionsFromEnv} reads. */
export const hostEnvironment: readonly string[] = Object.freeze(Object.keys(variables));

/** Options of a host that an environment can set. */
export interface HostEnvironment {
  /** Level of the logger, where the host makes its own. */
  readonly logLevel?: (typeof logLevels)[number];
  readonly startTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  readonly answerRedisClients?: boolean;
  readonly health?: { readonly port: number };
}

/**
 * Options of `startHost` from environment variables: `TERABUS_LOG_LEVEL`, `TERABUS_START_TIMEOUT_MS`,
 * `TERABUS_DRAIN_TIMEOUT_MS`, `TERABUS_ANSWER_REDIS_CLIENTS`, `TERABUS_HEALTH_PORT`.
 *
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`
 */
export function hostOptionsFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): HostEnvironment {
  const values = readEnvironment(variables, env);
  return given({
    logLevel: values.TERABUS_LOG_LEVEL,
    startTimeoutMs: values.TERABUS_START_TIMEOUT_MS,
    drainTimeoutMs: values.TERABUS_DRAIN_TIMEOUT_MS,
    answerRedisClients: values.TERABUS_ANSWER_REDIS_CLIENTS,
    health: values.TERABUS_HEALTH_PORT === undefined ? undefined : { port: values.TERABUS_HEALTH_PORT },
  });
}
