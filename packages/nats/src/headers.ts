import type { Headers } from '@terabus/core/transport';
import { checkHeaders } from '@terabus/core/transport';

const encoder = new TextEncoder();

/** What messages without headers have. */
export const NO_HEADERS: Headers = new Map();

/**
 * The block of headers as it goes on the wire (NATS' ADR-4); undefined for none. Our own, since the client's cuts white space
 * off values without a word and looks through all names for each name.
 *
 * @throws BusError `TERABUS_HEADER_INVALID`
 */
export function encodeHeaders(headers: Headers | undefined): Uint8Array | undefined {
  if (headers === undefined || headers.size === 0) return undefined;
  checkHeaders(headers);
  let block = 'NATS/1.0\r\n';
  for (const [name, value] of headers) block += `${name}: ${value}\r\n`;
  return encoder.encode(`${block}\r\n`);
}

/** Headers as the client read them: a name that came several times has its first value. */
export function toHeaders(entries: Iterable<[string, string[]]>): Headers {
  const headers = new Map<string, string>();
  for (const [name, [value = '']] of entries) headers.set(name, value);
  return headers;
}
