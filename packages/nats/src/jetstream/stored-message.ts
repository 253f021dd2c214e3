import type { StoredMessage } from '@terabus/core/transport';
import { decodeHeaders, withoutReserved } from '../headers.js';
import type { Names } from './names.js';

/** A message as the API gives it: bytes in base64. */
export interface StoredJson {
  readonly subject: string;
  readonly seq: number;
  readonly hdrs?: string;
  readonly data?: string;
  readonly time: string;
}

/** Headers that can't be read count as none: whoever looks at what is stored must be able to. */
export function storedMessage(
  { subject, seq, hdrs, data, time }: StoredJson,
  stream: string,
  names: Names,
): StoredMessage {
  return {
    subject: names.unwired(subject),
    bytes: fromBase64(data),
    headers: withoutReserved(headersOf(hdrs)),
    stream,
    sequence: seq,
    storedAt: millisecondsOf(time),
  };
}

export function headersOf(block: string | undefined): ReadonlyMap<string, string> {
  try {
    return block ? decodeHeaders(fromBase64(block)).headers : new Map();
  } catch {
    return new Map();
  }
}

/** Of a time with up to nine digits behind its seconds; `Date.parse` takes three of them. */
function millisecondsOf(time: string): number {
  const [, beyond = ''] = /\.\d{3}(\d+)/.exec(time) ?? [];
  return Number(`${Date.parse(time)}.${beyond}`);
}

/** On its own memory: small buffers of Node share one. */
export const fromBase64 = (text = ''): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
