import { BusError, printable } from '@terabus/core/transport';
import { z } from 'zod';
import type { NatsOptions } from './options.js';
import { natsOptions } from './options.js';

/** One variable: which option it sets, how its text becomes a value, and what it should be. */
interface Variable {
  readonly set: (value: never) => NatsOptions;
  readonly schema: z.ZodType;
  readonly expected: string;
  /** Whether its value may hold a secret, which is never printed. */
  readonly secret?: true;
}

const { servers, namespace, connectTimeoutMs } = natsOptions.shape;
const anyText = z.string();
const path = 'the path of a file';

const variables: Readonly<Record<string, Variable>> = {
  NATS_URL: {
    // The options take the addresses as text again; here they are only checked.
    schema: z
      .string()
      .transform((list) => list.split(',').map((url) => url.trim()))
      .refine((list) => servers.safeParse(list).success),
    set: (value: string[]) => ({ servers: value }),
    expected: 'one address of a server, nats://host:4222, or several of them with commas between',
    secret: true,
  },
  TERABUS_NAMESPACE: {
    schema: namespace,
    set: (value: string) => ({ namespace: value }),
    expected: '1 to 32 letters, digits, "_" or "-"',
  },
  TERABUS_CONNECT_TIMEOUT_MS: {
    schema: z
      .string()
      .regex(/^\d+$/)
      .transform(Number)
      .refine((value) => connectTimeoutMs.safeParse(value).success),
    set: (value: number) => ({ connectTimeoutMs: value }),
    expected: 'a whole number of milliseconds, 1 or more',
  },
  TERABUS_NATS_USER: { schema: anyText, set: (value: string) => ({ user: value }), expected: 'the name of a user' },
  TERABUS_NATS_PASSWORD: {
    schema: anyText,
    set: (value: string) => ({ password: value }),
    expected: 'a password',
    secret: true,
  },
  TERABUS_NATS_TOKEN: {
    schema: anyText,
    set: (value: string) => ({ token: value }),
    expected: 'a token',
    secret: true,
  },
  TERABUS_NATS_NKEY_SEED: {
    schema: z.string().regex(/^S[A-Z2-7]{57}$/),
    set: (value: string) => ({ nkeySeed: value }),
    expected: 'the seed of an NKey: SU and 56 more of A to Z and 2 to 7',
    secret: true,
  },
  TERABUS_NATS_CREDS: { schema: anyText, set: (value: string) => ({ credsFile: value }), expected: path },
  TERABUS_NATS_TLS_CA: { schema: anyText, set: (value: string) => ({ tls: { caFile: value } }), expected: path },
  TERABUS_NATS_TLS_CERT: { schema: anyText, set: (value: string) => ({ tls: { certFile: value } }), expected: path },
  TERABUS_NATS_TLS_KEY: { schema: anyText, set: (value: string) => ({ tls: { keyFile: value } }), expected: path },
};

/**
 * The names of all variables that {@link natsOptionsFromEnv} reads. Whoever knows all readers of an environment
 * refuses `TERABUS_…` names that nobody reads: they are typing errors.
 */
export const natsEnvironment: readonly string[] = Object.freeze(Object.keys(variables));

/**
 * Options of `connectNats` from environment variables. One that is empty counts as not set, as compose files write
 * it.
 *
 * | variable | option |
 * | --- | --- |
 * | `NATS_URL` | `servers`, separated by commas |
 * | `TERABUS_NAMESPACE` | `namespace` |
 * | `TERABUS_CONNECT_TIMEOUT_MS` | `connectTimeoutMs` |
 * | `TERABUS_NATS_USER`, `TERABUS_NATS_PASSWORD` | `user`, `password` |
 * | `TERABUS_NATS_TOKEN` | `token` |
 * | `TERABUS_NATS_NKEY_SEED` | `nkeySeed` |
 * | `TERABUS_NATS_CREDS` | `credsFile` |
 * | `TERABUS_NATS_TLS_CA`, `TERABUS_NATS_TLS_CERT`, `TERABUS_NATS_TLS_KEY` | `tls.caFile`, `tls.certFile`, `tls.keyFile` |
 *
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`: which variable, what it was (unless it may be a secret), what it
 * should be
 */
export function natsOptionsFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): NatsOptions {
  let options: NatsOptions = {};
  for (const [name, variable] of Object.entries(variables)) {
    const value = env[name];
    if (value === undefined || value === '') continue;
    const read = variable.schema.safeParse(value);
    if (!read.success) throw bad(name, value, variable);
    const { tls, ...others } = variable.set(read.data as never);
    options = { ...options, ...others, ...(tls && { tls: { ...options.tls, ...tls } }) };
  }
  return options;
}

function bad(name: string, value: string, { expected, secret }: Variable): BusError {
  const was = secret ? "what it is can't be shown, since it may hold a secret" : `it is ${printable(value)}`;
  return new BusError(`the environment variable ${name} must be ${expected}; ${was}`, {
    reason: 'TERABUS_ENVIRONMENT_INVALID',
  });
}
