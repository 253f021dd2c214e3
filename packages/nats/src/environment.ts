import { given, readEnvironment, type Variable } from '@terabus/core/transport';
import { z } from 'zod';
import type { NatsOptions } from './options.js';
import { natsOptions } from './options.js';

const { servers, namespace, connectTimeoutMs, maxUnconfirmedBytes } = natsOptions.shape;
const anyText = z.string();
const path = 'the path of a file';

const whole = z.string().regex(/^\d+$/).transform(Number);
const yesOrNo = {
  schema: z.enum(['true', 'false']).transform((text) => text === 'true'),
  expected: 'true or false',
};

const variables = {
  NATS_URL: {
    // The options take the addresses as text again; here they are only checked.
    schema: z
      .string()
      .transform((list) => list.split(',').map((url) => url.trim()))
      .refine((list) => servers.safeParse(list).success),
    expected: 'one address of a server, nats://host:4222, or several of them with commas between',
    secret: true,
  },
  TERABUS_NAMESPACE: {
    schema: namespace.unwrap(),
    expected: '1 to 32 letters, digits, "_" or "-"',
  },
  TERABUS_CONNECT_TIMEOUT_MS: {
    schema: whole.refine((value) => connectTimeoutMs.safeParse(value).success),
    expected: 'a whole number of milliseconds, 1 or more',
  },
  TERABUS_MAX_UNCONFIRMED_BYTES: {
    schema: whole.refine((value) => maxUnconfirmedBytes.safeParse(value).success),
    expected: 'a whole number of bytes, 1 or more',
  },
  TERABUS_PUBLISH_BUFFER_BYTES: {
    schema: whole.refine(Number.isSafeInteger),
    expected: 'a whole number of bytes, or 0 for no buffer',
  },
  TERABUS_PUBLISH_BUFFER_WAIT_MS: {
    schema: whole.refine((value) => connectTimeoutMs.safeParse(value).success),
    expected: 'a whole number of milliseconds, 1 or more',
  },
  TERABUS_ANSWER_INBOXES: yesOrNo,
  TERABUS_BUSY_POLLING: yesOrNo,
  TERABUS_NATS_USER: { schema: anyText, expected: 'the name of a user' },
  TERABUS_NATS_PASSWORD: {
    schema: anyText,
    expected: 'a password',
    secret: true,
  },
  TERABUS_NATS_TOKEN: {
    schema: anyText,
    expected: 'a token',
    secret: true,
  },
  TERABUS_NATS_NKEY_SEED: {
    schema: z.string().regex(/^S[A-Z2-7]{57}$/),
    expected: 'the seed of an NKey: SU and 56 more of A to Z and 2 to 7',
    secret: true,
  },
  TERABUS_NATS_NKEY_SEED_FILE: { schema: anyText, expected: path },
  TERABUS_NATS_CREDS: { schema: anyText, expected: path },
  TERABUS_NATS_TLS_CA: { schema: anyText, expected: path },
  TERABUS_NATS_TLS_CERT: { schema: anyText, expected: path },
  TERABUS_NATS_TLS_KEY: { schema: anyText, expected: path },
} as const satisfies Readonly<Record<string, Variable>>;

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
 * | `TERABUS_MAX_UNCONFIRMED_BYTES` | `maxUnconfirmedBytes` |
 * | `TERABUS_PUBLISH_BUFFER_BYTES`, `TERABUS_PUBLISH_BUFFER_WAIT_MS` | `publishBuffer.maxBytes`, `publishBuffer.maxWaitMs`; 0 bytes for none |
 * | `TERABUS_ANSWER_INBOXES` | `replyTo.inbox` |
 * | `TERABUS_BUSY_POLLING` | `busyPolling` |
 * | `TERABUS_NATS_USER`, `TERABUS_NATS_PASSWORD` | `user`, `password` |
 * | `TERABUS_NATS_TOKEN` | `token` |
 * | `TERABUS_NATS_NKEY_SEED` | `nkeySeed` |
 * | `TERABUS_NATS_NKEY_SEED_FILE` | `nkeySeedFile` |
 * | `TERABUS_NATS_CREDS` | `credsFile` |
 * | `TERABUS_NATS_TLS_CA`, `TERABUS_NATS_TLS_CERT`, `TERABUS_NATS_TLS_KEY` | `tls.caFile`, `tls.certFile`, `tls.keyFile` |
 *
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`: which variable, what it was (unless it may be a secret), what it
 * should be
 */
export function natsOptionsFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): NatsOptions {
  const values = readEnvironment(variables, env);
  const tls = given({
    caFile: values.TERABUS_NATS_TLS_CA,
    certFile: values.TERABUS_NATS_TLS_CERT,
    keyFile: values.TERABUS_NATS_TLS_KEY,
  });
  const buffer = given({
    maxBytes: values.TERABUS_PUBLISH_BUFFER_BYTES,
    maxWaitMs: values.TERABUS_PUBLISH_BUFFER_WAIT_MS,
  });
  return given({
    servers: values.NATS_URL,
    namespace: values.TERABUS_NAMESPACE,
    connectTimeoutMs: values.TERABUS_CONNECT_TIMEOUT_MS,
    maxUnconfirmedBytes: values.TERABUS_MAX_UNCONFIRMED_BYTES,
    publishBuffer: buffer.maxBytes === 0 ? false : Object.keys(buffer).length === 0 ? undefined : buffer,
    replyTo: values.TERABUS_ANSWER_INBOXES === undefined ? undefined : { inbox: values.TERABUS_ANSWER_INBOXES },
    busyPolling: values.TERABUS_BUSY_POLLING,
    user: values.TERABUS_NATS_USER,
    password: values.TERABUS_NATS_PASSWORD,
    token: values.TERABUS_NATS_TOKEN,
    nkeySeed: values.TERABUS_NATS_NKEY_SEED,
    nkeySeedFile: values.TERABUS_NATS_NKEY_SEED_FILE,
    credsFile: values.TERABUS_NATS_CREDS,
    tls: Object.keys(tls).length === 0 ? undefined : tls,
  });
}
