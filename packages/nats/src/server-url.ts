/** One server of the `servers` option, taken apart so that its secrets are never printed by accident. */
export interface ServerUrl {
  /** `host:port`, which is all that the client is told. It ignores the rest and trips over credentials. */
  readonly address: string;
  /** For errors and logs: without credentials. */
  readonly printable: string;
  /** Whether the scheme was `tls`. */
  readonly tls: boolean;
  readonly user: string | undefined;
  /** With `user`; without one, the URL carried a token, as `nats://<token>@host` does. */
  readonly secret: string | undefined;
}

/**
 * Takes `nats://host:port` apart: scheme `nats`, `tls` or none, port 4222 unless said otherwise, credentials before an
 * `@`. Undefined for anything else.
 */
export function parseServerUrl(text: string): ServerUrl | undefined {
  const withScheme = /^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`;
  if (!URL.canParse(withScheme)) return undefined;
  const { protocol, hostname, port, username, password, pathname, search, hash } = new URL(withScheme);
  if (protocol !== 'nats:' && protocol !== 'tls:') return undefined;
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/.test(hostname)) return undefined;
  if (!['', '/'].includes(pathname) || search !== '' || hash !== '') return undefined;

  const address = `${hostname}:${port || '4222'}`;
  try {
    const first = decodeURIComponent(username) || undefined;
    const second = decodeURIComponent(password) || undefined;
    return {
      address,
      printable: `${protocol}//${address}`,
      tls: protocol === 'tls:',
      user: second === undefined ? undefined : first,
      secret: second ?? first,
    };
  } catch {
    return undefined; // a lone % in the credentials
  }
}
