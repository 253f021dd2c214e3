import { createHash } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * The ULID of the n-th message that a handler publishes in answer to a stored one: the same in each of its runs, so
 * that a stream which knows it stores nothing twice. Its time is that of the message that it answers.
 *
 * @param origin what it answers, with the handler
 */
export function derivedId(storedAt: number, origin: string, n: number): string {
  const digest = createHash('sha256').update(`${origin}\n${n}`).digest();
  let bits = BigInt(Math.trunc(storedAt)) & 0xffff_ffff_ffffn;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let place = 0; place < 26; place++) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return text;
}
