import { BusError } from '@terabus/messages';
import { show } from '../contract/check.js';
import { type Chain, NEW_CHAIN } from './chain.js';

/** The headers that Terabus puts on messages. */
export const HEADER = {
  messageId: 'Terabus-Message-Id',
  causeId: 'Terabus-Cause-Id',
  epoch: 'Terabus-Epoch',
  abandoned: 'Terabus-Abandoned',
  timeoutMs: 'Terabus-Timeout-Ms',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
} as const;

/** What a message is known by: a ULID of Terabus' own, or what its publisher chose. */
export const MESSAGE_ID = /^[!-~](?:[ -~]{0,126}[!-~])?$/;

/** HTTP's grammar of header names, to which NATS' own keeps too. */
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const RESERVED = /^(?:nats-|terabus-)/i;

/**
 * The headers of an outgoing message: its id, those of its chain, and the user's own.
 *
 * @throws BusError `TERABUS_HEADER_INVALID` for a name of the user's that is reserved or malformed, or a value that
 * is no single line of text.
 */
export function outgoingHeaders(
  messageId: string,
  chain: Chain,
  own: Readonly<Record<string, string>> | undefined,
): Map<string, string> {
  const headers = new Map<string, string>();
  headers.set(HEADER.messageId, messageId);
  if (chain !== NEW_CHAIN) addChain(headers, chain);
  if (own !== undefined) {
    for (const [name, value] of Object.entries(own)) {
      checkHeader(name, value);
      headers.set(name, value);
    }
  }
  return headers;
}

function addChain(headers: Map<string, string>, { messageId, traceparent, tracestate }: Chain): void {
  if (messageId !== undefined) headers.set(HEADER.causeId, messageId);
  if (traceparent !== undefined) headers.set(HEADER.traceparent, traceparent);
  if (tracestate !== undefined) headers.set(HEADER.tracestate, tracestate);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get in
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

const isOneLine = (value: unknown): boolean =>
  typeof value === 'string' && value.isWellFormed() && !CONTROL.test(value) && value.trim() === value;

function checkHeader(name: string, value: unknown): void {
  const problem = RESERVED.test(name)
    ? "names that start with Nats- or Terabus- are the bus's own"
    : !HEADER_NAME.test(name)
      ? 'a name is 1 to 128 letters, digits and hyphens'
      : !isOneLine(value)
        ? 'a value is one line of text, without white space at its ends'
        : undefined;
  if (problem !== undefined) {
    // Without its value: headers carry tokens and keys, and messages of errors end in logs.
    throw new BusError(`the header ${show(name)} can't be sent: ${problem}`, { reason: 'TERABUS_HEADER_INVALID' });
  }
}
