import type { Clock } from '@terabus/core/transport';
import { BusError, checkNamespace, systemClock } from '@terabus/core/transport';
import { z } from 'zod';
import { parseServerUrl } from './server-url.js';

const milliseconds = z.int().min(1);
const text = z.string().min(1);

const server = z.string().transform((url, context) => {
  const parsed = parseServerUrl(url);
  if (parsed) return parsed;
  // Not printed: it may hold a password.
  context.addIssue({ code: 'custom', message: 'must look like nats://host:4222 or tls://host:4222' });
  return z.NEVER;
});

const namespace = z.string().superRefine((value, context) => {
  try {
    checkNamespace(value);
  } catch (error) {
    context.addIssue({ code: 'custom', message: BusError.from(error).rawMessage });
  }
});

/** The options of `connectNats`, checked and defaulted in one place. */
export const natsOptions = z
  .strictObject({
    /**
     * One server, or several of one cluster: `nats://host:port` or, for a connection that must be encrypted,
     * `tls://host:port`. Credentials may stand in front of the host. Defaults to `nats://127.0.0.1:4222`, where a
     * server listens that was started without options.
     */
    servers: z.union([server.transform((one) => [one]), z.array(server).min(1)]).prefault('nats://127.0.0.1:4222'),
    /**
     * The name of the connection, which a server shows in its list of connections, and the second token of its
     * reply subjects `_REPLY.<name>.…`, where a grant can tell services apart: with permissions each host has a name of
     * its own. Any text. Defaults to `terabus`.
     */
    name: text.default('terabus'),
    /**
     * Keeps deployments that share an account apart: the token `@<namespace>` stands in front of every subject and the
     * namespace in every queue name. 1 to 32 letters, digits, `_`, `-`. None by default.
     */
    namespace: namespace.optional(),
    /**
     * How long the first connection may take altogether, in milliseconds: a server that is started together with its
     * clients may be late. Defaults to 5 seconds; later disconnections are waited out without limit.
     */
    connectTimeoutMs: milliseconds.default(5_000),
    /**
     * How long `close` waits for a server to confirm what was sent, in milliseconds, before it disconnects anyway.
     * Defaults to 2 seconds, well below the 10 that an orchestrator gives a process to end.
     */
    closeTimeoutMs: milliseconds.default(2_000),
    /** User name, with `password`. None by default; also taken from the URLs. */
    user: text.optional(),
    /** Password of `user`. */
    password: text.optional(),
    /** Token that the server expects instead of a user. None by default; also taken from the URLs. */
    token: text.optional(),
    /** Seed of an NKey, `SU…`: the connection proves to have it without sending it. None by default. */
    nkeySeed: text.optional(),
    /** Path of a file with such a seed. It is read for each connection, so that it may be renewed. */
    nkeySeedFile: text.optional(),
    /** Path of a credentials file (JWT and seed). It is read for each connection, so that it may be renewed. */
    credsFile: text.optional(),
    /**
     * Paths of PEM files: the authority that signed the server's certificate (by default, those that Node knows) and
     * the certificate and key with which this client proves who it is.
     */
    tls: z.strictObject({ caFile: text.optional(), certFile: text.optional(), keyFile: text.optional() }).optional(),
    /**
     * Which callers that are no Terabus get an answer: plain NATS clients, whose reply subjects begin with `_INBOX.`
     * (on by default, they are the tools of operators), and callers from another account, `_R_.` (off by default: an
     * account that exports no service has none). An answer to any subject would let callers delete streams.
     */
    replyTo: z
      .strictObject({ inbox: z.boolean().default(true), crossAccount: z.boolean().default(false) })
      .prefault({}),
    /**
     * How much may be on its way to the server at a time, in bytes (each message counts 512 more), before publishes wait.
     * Defaults to 4 MiB, with which a link whose round trip is 50 ms carries 80 MB per second; it is what a server that
     * hangs costs this process, and what may be lost with a link.
     */
    maxUnconfirmedBytes: z.int().min(1).default(4_194_304),
    /**
     * Where publishes and answers wait while the link is down or the server does not keep up: up to `maxBytes` (8 MiB by
     * default, some seconds of a busy service; each message counts 2,048 more) for up to `maxWaitMs` (5 seconds by default,
     * which a restart of the server takes less than). They keep their order. `false` refuses them at once.
     */
    publishBuffer: z
      .union([
        z.literal(false),
        z.strictObject({ maxBytes: z.int().min(1).default(8_388_608), maxWaitMs: milliseconds.default(5_000) }),
      ])
      .prefault({}),
    /**
     * Whether the event loop may keep turning while a single request (a call, or one to JetStream) is awaited, instead of falling
     * asleep until the answer comes: for 512 turns at most, about 0.4 ms. Where cores take long to wake, as those of virtual machines
     * do, and nobody else wants them, a call then takes half as long. Both ways are tried again and again, and it
     * polls only while that makes for shorter waits here. Defaults to true. `false` is for those who pay for each moment of a
     * processor or have a small quota of it, and for several processes on few cores that make calls all the time.
     */
    busyPolling: z.boolean().default(true),
    /** Time, for tests. Defaults to the machine's. */
    clock: z
      .custom<Clock>((value) => typeof value === 'object' && value !== null, 'must be a clock')
      .default(() => systemClock),
  })
  .superRefine((options, context) => {
    const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (options.password !== undefined && options.user === undefined) refuse('password', 'needs a user');
    if (options.tls && !options.tls.certFile !== !options.tls.keyFile)
      refuse('tls', 'needs certFile and keyFile, or neither');
    const inUrls = new Set(options.servers.map(({ user, secret }) => JSON.stringify([user, secret])));
    if (inUrls.size > 1) refuse('servers', 'must all have the same credentials: a cluster has one set of users');
    const ways = [
      options.user !== undefined && 'user',
      options.token !== undefined && 'token',
      options.nkeySeed !== undefined && 'nkeySeed',
      options.nkeySeedFile !== undefined && 'nkeySeedFile',
      options.credsFile !== undefined && 'credsFile',
      options.servers.some(({ secret }) => secret !== undefined) && 'credentials in servers',
    ].filter((way) => way !== false);
    if (ways.length > 1)
      refuse(ways[0] as string, `can't be combined with ${ways.slice(1).join(', ')}: who connects has one identity`);
  });

/** What an author writes. All of it is optional. */
export type NatsOptions = z.input<typeof natsOptions>;

/** What the transport reads. */
export type CheckedNatsOptions = z.output<typeof natsOptions>;

/**
 * Checks options and fills in the defaults. Values are never printed, since they may be secrets.
 *
 * @throws BusError `TERABUS_OPTIONS_INVALID`, one sentence that names the first bad option
 */
export function checkNatsOptions(options: NatsOptions): CheckedNatsOptions {
  const { success, data, error } = natsOptions.safeParse(options);
  if (success) return data;
  const issue = innermost(error.issues[0] as z.core.$ZodIssue);
  const name = issue.path.join('.');
  throw new BusError(
    issue.code === 'unrecognized_keys'
      ? `connectNats does not know the option ${[name, issue.keys[0]].filter(Boolean).join('.')}`
      : `connectNats can't use the option ${name || 'object'}: ${issue.message}`,
    { reason: 'TERABUS_OPTIONS_INVALID' },
  );
}

/** Of a union, the issue of the branch that came furthest: "Invalid input" alone helps nobody. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const branches = issue.errors.flat();
  const best = branches.find(({ code }) => code === 'custom') ?? branches[0];
  return best ? { ...innermost(best), path: [...issue.path, ...best.path] } : issue;
}
