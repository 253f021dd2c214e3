import { HEADER } from '@terabus/core';
import { checkHeaders, printable } from '@terabus/core/transport';
import { BusError } from '@terabus/messages';
import type { StoreOptions } from './outbox.js';

/** HTTP's grammar, to which NATS' own keeps too. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const RESERVED = /^(?:nats-|terabus-)/i;

// Headers of a message that came from outside go on: only what is well-formed does.
const TRACE = [
  [HEADER.traceparent, /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/],
  [HEADER.tracestate, /^[!-~](?:[ -~]{0,510}[!-~])?$/],
] as const;

/**
 * The headers of a message, for the table: those that the caller gave, and the trace that it belongs to.
 *
 * @throws BusError `TERABUS_HEADER_INVALID`
 */
export function storedHeaders({ headers, context }: StoreOptions): string {
  const all = new Map<string, string>();
  for (const [name, form] of TRACE) {
    const value = context?.headers.get(name);
    if (value !== undefined && form.test(value)) all.set(name, value);
  }
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (RESERVED.test(name) || !NAME.test(name)) {
      throw new BusError(
        `the header ${printable(name)} can't be sent: a name is 1 to 128 letters, digits and hyphens, and does not start with Nats- or Terabus-`,
        { reason: 'TERABUS_HEADER_INVALID' },
      );
    }
    all.set(name, value);
  }
  checkHeaders(all);
  return JSON.stringify(Object.fromEntries(all));
}
