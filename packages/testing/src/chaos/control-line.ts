import type { Direction } from './direction.js';

/** The lines of NATS' protocol that a payload follows, and the least count of words behind their names. */
const OPERATIONS = {
  'to-server': [
    { name: 'PUB', words: 2, hasHeaders: false },
    { name: 'HPUB', words: 3, hasHeaders: true },
  ],
  'to-client': [
    { name: 'MSG', words: 3, hasHeaders: false },
    { name: 'HMSG', words: 4, hasHeaders: true },
  ],
} as const satisfies Record<Direction, readonly { name: string; words: number; hasHeaders: boolean }[]>;

/** A server's limit for payloads can't be higher. */
const MOST_BYTES = 64 * 1024 * 1024;

/** What a control line says of the message that follows it. */
export interface ControlLine {
  readonly subject: string;
  readonly replyTo: string | undefined;
  /** Of the headers, which stand in front of the payload. */
  readonly headerBytes: number;
  /** Of headers and payload, without the line end behind them. */
  readonly bytes: number;
}

/** Whether a line that begins so may become one that a payload follows. */
export function mayAnnounceMessage(direction: Direction, start: Uint8Array): boolean {
  return OPERATIONS[direction].some(({ name }) => {
    for (let i = 0; i < Math.min(name.length, start.length); i += 1) {
      // The server takes small letters too.
      if (((start[i] as number) & ~0x20) !== name.charCodeAt(i)) return false;
    }
    const behind = start[name.length];
    return behind === undefined || behind === 0x20 || behind === 0x09;
  });
}

/** Reads a whole line, its end included. Undefined for one that no payload follows, and for one that makes no sense. */
export function readControlLine(direction: Direction, line: Buffer): ControlLine | undefined {
  if (!mayAnnounceMessage(direction, line)) return undefined;
  const [name = '', ...words] = line
    .toString('utf8')
    .trim()
    .split(/[ \t]+/);
  const operation = OPERATIONS[direction].find((each) => each.name === name.toUpperCase());
  if (!operation || words.length < operation.words || words.length > operation.words + 1) return undefined;
  const bytes = size(words.at(-1));
  const headerBytes = operation.hasHeaders ? size(words.at(-2)) : 0;
  if (!(bytes <= MOST_BYTES && headerBytes <= bytes)) return undefined;
  const replyAt = direction === 'to-server' ? 1 : 2;
  const replyTo = words.length > operation.words ? words[replyAt] : undefined;
  return { subject: words[0] as string, replyTo, headerBytes, bytes };
}

const size = (word = '') => (/^\d{1,9}$/.test(word) ? Number(word) : Number.NaN);
