import { createHash } from 'node:crypto';
import { BusError, printable } from '@terabus/core/transport';

/** What NATS' tools take in a key, but for `=`, which escapes here, and the dots between tokens. */
const PLAIN = /^[-/_A-Za-z0-9]$/;

/** With what stands in front of it, a subject of 255 bytes. */
const MAX_LENGTH = 170;

/** Sixteen bytes in hexadecimal digits behind a mark that escapes nothing. */
const HASHED = /=h[0-9a-f]{32}$/;

/** A key as it is spelled at the server. */
export interface SpelledKey {
  readonly name: string;
  /** The whole of it, where the name has only a hash. */
  readonly whole: string | undefined;
}

/**
 * A key as NATS' ADR-8 lets it be: any other character than `-/_A-Za-z0-9` is `=XX` for each byte in UTF-8, and so is a
 * dot that would make an empty token. So usual keys are what they are in `nats kv`, and each can be read back. What
 * would be too long ends with a hash.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID`
 */
export function toKey(key: string): SpelledKey {
  if (typeof key !== 'string' || key === '' || !key.isWellFormed()) {
    throw new BusError(`a key is well-formed text that is not empty, not ${printable(key)}`, {
      reason: 'TERABUS_TOPIC_INVALID',
    });
  }
  let name = '';
  for (const character of key) {
    const separates = character === '.' && name !== '' && !name.endsWith('.');
    name += separates || PLAIN.test(character) ? character : bytesOf(character);
  }
  if (name.endsWith('.')) name = `${name.slice(0, -1)}=2E`;
  if (name.length <= MAX_LENGTH) return { name, whole: undefined };
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
  // Not inside of an escape, and not before an empty token.
  const head = name.slice(0, MAX_LENGTH - hash.length - 2).replace(/(?:=.?|\.)$/, '');
  return { name: `${head}=h${hash}`, whole: name };
}

/** The way back; undefined for a name that has a hash. */
export function fromKey(name: string): string | undefined {
  if (HASHED.test(name)) return undefined;
  const bytes: number[] = [];
  for (let i = 0; i < name.length; i += 1) {
    const escapes = /^=[0-9A-F]{2}/.test(name.slice(i, i + 3));
    bytes.push(escapes ? Number.parseInt(name.slice(i + 1, i + 3), 16) : name.charCodeAt(i));
    if (escapes) i += 2;
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const bytesOf = (character: string) =>
  [...new TextEncoder().encode(character)]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
