const NATS_PORT = 4222;

/** Where a proxy leads. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Where a port or a URL leads, and the URL of a proxy in front of it: with the same scheme, user and password. */
export function readTarget(target: unknown): { readonly target: Target; url(port: number): string } {
  if (typeof target === 'number') {
    if (!Number.isInteger(target) || target < 1 || target > 65_535)
      throw new TypeError(`target is ${target}: no port.`);
    return { target: { host: '127.0.0.1', port: target }, url: (port) => `nats://127.0.0.1:${port}` };
  }
  const url = typeof target === 'string' && URL.canParse(target) ? new URL(target) : undefined;
  if (!url?.hostname) {
    throw new TypeError('target is neither a port nor a URL such as nats://127.0.0.1:4222.');
  }
  const { protocol, username, password, hostname } = url;
  const user = username && `${username}${password && `:${password}`}@`;
  return {
    target: { host: hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || NATS_PORT },
    url: (port) => `${protocol}//${user}127.0.0.1:${port}`,
  };
}
