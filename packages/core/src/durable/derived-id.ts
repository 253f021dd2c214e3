import { createHash } from 'node:crypto';
import { decodeTime } from 'ulid';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** What message ids are derived from. */
export interface IdRoot {
  /** What is answered, with the handler: where it lies, or its own id where copies of it count as one message. */
  readonly id: string;
  /** In milliseconds since the Unix epoch, with their fraction. */
  readonly time: number;
}

/**
 * The ULID of the n-th message that a handler publishes in answer to a stored one: the same in each of its runs, so
 * that a stream which knows it stores nothing twice. Its time is that of the message that it answers.
 */
export function derivedId({ id, time }: IdRoot, n: number): string {
  const digest = createHash('sha256').update(`${id}\n${time}\n${n}`).digest();
  let bits = BigInt(Math.trunc(time)) & 0xffff_ffff_ffffn;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let place = 0; place < 26; place++) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text;
}

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** The time that a message id tells; 0 where it is none of Terabus'. It has to be the same for all copies. */
export const timeOf = (messageId: string): number => (ULID.test(messageId) ? decodeTime(messageId) : 0);
