import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { CheckedNatsOptions } from './options.js';
import type { PoolServer } from './server-pool.js';

/** One attempt to reach one server. More would let a server that hangs keep the client from the next one. */
export const DIAL_TIMEOUT_MS = 3_000;

/** Node's longest timer: the client's own pings are not used. */
const NEVER_MS = 2 ** 31 - 1;

/** What the client offers to prove who it is. */
export interface Authenticators<A> {
  nkeyAuthenticator(seed: Uint8Array): A;
  credsAuthenticator(credentials: Uint8Array): A;
}

/** What the client is told for one dial. Files that the options name are read here, or by the client in this dial. */
export function clientOptions<A extends (nonce?: string) => unknown>(
  { host, port, tlsName }: PoolServer,
  options: CheckedNatsOptions,
  authenticators: Authenticators<A>,
) {
  const { name, servers, tls } = options;
  const encrypted = tls !== undefined || servers.some((server) => server.tls);
  const files = Object.fromEntries(Object.entries(tls ?? {}).filter(([, file]) => file !== undefined));
  return {
    name,
    servers: `${host}:${port}`,
    // What happens after a link is ours. So are the addresses: Node resolves the name for each dial.
    reconnect: false,
    resolve: false,
    ignoreClusterUpdates: true,
    timeout: DIAL_TIMEOUT_MS,
    pingInterval: NEVER_MS,
    // A stack for each request that nobody reads.
    noAsyncTraces: true,
    ...(encrypted && { tls: { ...files, ...verified(tlsName) } }),
    ...credentials(options, authenticators),
  };
}

/** Whose certificate it has to be. An address is no name that a server could be asked for (RFC 6066). */
function verified(name: string): object {
  const host = name.replace(/^\[|\]$/g, '');
  return isIP(host) ? { host } : { host, servername: host };
}

function credentials<A extends (nonce?: string) => unknown>(
  { servers, user, password, token, nkeySeed, nkeySeedFile, credsFile }: CheckedNatsOptions,
  { nkeyAuthenticator, credsAuthenticator }: Authenticators<A>,
) {
  if (user !== undefined) return { user, ...(password !== undefined && { pass: password }) };
  if (token !== undefined) return { token };
  const seed = nkeySeed ?? (nkeySeedFile && readFileSync(nkeySeedFile, 'utf8').trim());
  if (seed) return { authenticator: quiet(nkeyAuthenticator(new TextEncoder().encode(seed))) };
  if (credsFile !== undefined) return { authenticator: quiet(credsAuthenticator(readFileSync(credsFile))) };
  const [first] = servers;
  if (first?.secret === undefined) return {};
  return first.user === undefined ? { token: first.secret } : { user: first.user, pass: first.secret };
}

/** What is wrong with a secret is said without it. */
function quiet<A extends (nonce?: string) => unknown>(authenticator: A): A {
  return ((nonce) => {
    try {
      return authenticator(nonce);
    } catch {
      throw Object.assign(new Error('the seed or the credentials file is malformed'), { code: 'BAD_CREDS' });
    }
  }) as A;
}
