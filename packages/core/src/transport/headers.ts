import { BusError } from '@terabus/messages';
import { printable } from '../topics/printable.js';
import type { Headers, Inbound } from './transport.js';

/** Printable ASCII without colon and space: what NATS and MIME take. */
const NAME = /^[!-9;-~]+$/;

/** `NATS/1.0`, its line break, and the one that ends the block. */
const FRAME_BYTES = 12;

/** Colon, space and line break of one header. */
const LINE_BYTES = 4;

/**
 * Checks that headers arrive as they were sent. A name is printable ASCII without colon and space; a value is
 * well-formed text without line breaks and without white space at its ends, which NATS would cut off without a word.
 *
 * @throws BusError `TERABUS_HEADER_INVALID`
 */
export function checkHeaders(headers: Headers | undefined): void {
  if (headers === undefined) return;
  for (const [name, value] of headers) {
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw invalid(`the name of a header is printable ASCII without colon and space, not ${printable(name)}`);
    }
    if (typeof value !== 'string' || /[\r\n]/.test(value) || value.trim() !== value || !value.isWellFormed()) {
      throw invalid(
        // Not with the value, which may be a secret.
        `the value of header ${name} would not arrive as it is: it has a line break, white space at its ends, or is ` +
          'not well-formed text',
      );
    }
  }
}

/** What headers take of `maxPayloadBytes`: the bytes of their block on the wire, 0 for none. */
export function headersSize(headers: Headers | undefined): number {
  if (headers === undefined || headers.size === 0) return 0;
  let bytes = FRAME_BYTES;
  for (const [name, value] of headers) bytes += name.length + utf8Length(value) + LINE_BYTES;
  return bytes;
}

/** {@link headersSize} of a message that came: nobody counts twice. */
export const headersSizeOf = (inbound: Inbound): number => inbound.headersBytes ?? headersSize(inbound.headers);

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a pair is two of the four bytes of its character.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

function invalid(message: string): BusError {
  return new BusError(message, { reason: 'TERABUS_HEADER_INVALID' });
}
