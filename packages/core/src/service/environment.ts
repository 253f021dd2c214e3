import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { printable } from '../topics/printable.js';

/** One environment variable: how its text becomes a value, and what it should be. */
export interface Variable<T = unknown> {
  readonly schema: z.ZodType<T, string>;
  /** Completes the sentence «it must be …». */
  readonly expected: string;
  /** Whether its value may hold a secret, which is never printed. */
  readonly secret?: true;
}

type Values<V extends Readonly<Record<string, Variable>>> = { [N in keyof V]?: z.output<V[N]['schema']> };

/**
 * The values of some environment variables; one that is empty counts as not set, as compose files write it.
 *
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`: which variable, what it was (unless it may be a secret), what it
 * should be
 */
export function readEnvironment<const V extends Readonly<Record<string, Variable>>>(
  variables: V,
  env: Readonly<Record<string, string | undefined>>,
): Values<V> {
  const values: Record<string, unknown> = {};
  for (const [name, { schema, expected, secret }] of Object.entries(variables)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    const read = schema.safeParse(text);
    if (!read.success) {
      const was = secret ? 'what it is can’t be shown, since it may hold a secret' : `it is ${printable(text)}`;
      throw new BusError(`the environment variable ${name} must be ${expected}; ${was}`, {
        reason: 'TERABUS_ENVIRONMENT_INVALID',
      });
    }
    values[name] = read.data;
  }
  return values as Values<V>;
}

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

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const variables = {
  TERABUS_LOG_LEVEL: { schema: z.string().pipe(z.enum(levels)), expected: `one of ${levels.join(', ')}` },
  TERABUS_START_TIMEOUT_MS: milliseconds(1),
  TERABUS_DRAIN_TIMEOUT_MS: milliseconds(0),
  TERABUS_ANSWER_REDIS_CLIENTS: {
    schema: z
      .string()
      .pipe(z.enum(['true', 'false']))
      .transform((text) => text === 'true'),
    expected: 'true or false',
  },
} as const satisfies Readonly<Record<string, Variable>>;

/** The names of the variables that {@link hostOptionsFromEnv} reads. */
export const hostEnvironment: readonly string[] = Object.freeze(Object.keys(variables));

/** Options of a host that an environment can set. */
export interface HostEnvironment {
  /** Level of the logger, where the host makes its own. */
  readonly logLevel?: (typeof levels)[number];
  readonly startTimeoutMs?: number;
  readonly drainTimeoutMs?: number;
  readonly answerRedisClients?: boolean;
}

/**
 * Options of `startHost` from environment variables: `TERABUS_LOG_LEVEL`, `TERABUS_START_TIMEOUT_MS`,
 * `TERABUS_DRAIN_TIMEOUT_MS`, `TERABUS_ANSWER_REDIS_CLIENTS`.
 *
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`
 */
export function hostOptionsFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): HostEnvironment {
  const values = readEnvironment(variables, env);
  return {
    ...(values.TERABUS_LOG_LEVEL === undefined ? {} : { logLevel: values.TERABUS_LOG_LEVEL }),
    ...(values.TERABUS_START_TIMEOUT_MS === undefined ? {} : { startTimeoutMs: values.TERABUS_START_TIMEOUT_MS }),
    ...(values.TERABUS_DRAIN_TIMEOUT_MS === undefined ? {} : { drainTimeoutMs: values.TERABUS_DRAIN_TIMEOUT_MS }),
    ...(values.TERABUS_ANSWER_REDIS_CLIENTS === undefined
      ? {}
      : { answerRedisClients: values.TERABUS_ANSWER_REDIS_CLIENTS }),
  };
}
