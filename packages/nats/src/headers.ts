import { inspect } from 'node:util';
import type { Headers } from '@terabus/core/transport';
import { BusError, checkHeaders } from '@terabus/core/transport';

/** What messages without headers have. */
const NO_HEADERS: Headers = new Map();

/** Printable ASCII without colon and space, as it may be sent. */
const NAME = /^[!-9;-~]+$/;

const VERSION = 'NATS/1.0';
const LINE_BREAK = '\r\n';
const FIRST_LINE = `${VERSION}${LINE_BREAK}`;
const END = `${LINE_BREAK}${LINE_BREAK}`;
const CR = 13;
const LF = 10;
const COLON = 58;

/** The first line, with the status of the server's own answers. What follows can't fail, and so isn't tried again. */
const STATUS = /^NATS\/1\.0(?: +(\d{3})(.*))?$/s;

/** What NATS itself reads: a rollup deletes a stream's messages. */
const RESERVED = /^nats-/i;

/** A block of headers as it was read. */
export interface DecodedHeaders {
  /** The status of the server's own answers; 503 says that nobody listens. */
  readonly status: number | undefined;
  /** What the server says behind its status; empty where there is none. */
  readonly description: string;
  readonly headers: Headers;
}

/** Of a message without a block. */
export const NOTHING_DECODED: DecodedHeaders = { status: undefined, description: '', headers: NO_HEADERS };

/** How a header begins whose name was seen to be right, and none of NATS' own: most messages have the same few. */
const KNOWN_NAMES = new Map<string, string>();
const MOST_KNOWN_NAMES = 256;

/** What goes as it is, and is what nearly all values are: printable ASCII without space at its ends. A regular expression takes longer. */
function isPlainValue(value: string): boolean {
  const { length } = value;
  for (let index = 0; index < length; index++) {
    const unit = value.charCodeAt(index);
    if (unit < 0x20 || unit > 0x7e) return false;
  }
  return length > 0 && value.charCodeAt(0) !== 0x20 && value.charCodeAt(length - 1) !== 0x20;
}

/**
 * The block of headers as it goes on the wire (NATS' ADR-4), of which each character is a byte; undefined for none. Our own, since the client's cuts white
 * space off values without a word and looks through all names for each name. `own` are those that this transport
 * means NATS to act upon, and are printable ASCII.
 *
 * @throws BusError `TERABUS_HEADER_INVALID`
 */
export function encodeHeaders(headers: Headers | undefined, own: Headers = NO_HEADERS): string | undefined {
  if ((headers === undefined || headers.size === 0) && own.size === 0) return undefined;
  let block = VERSION;
  // In front: servers of 2.9 look for the first place where the name stands, and find none if that is inside another header.
  for (const [name, value] of own) block += `\r\n${name}: ${value}`;
  for (const [name, value] of headers ?? NO_HEADERS) {
    const begin = KNOWN_NAMES.get(name);
    if (begin === undefined || typeof value !== 'string' || !isPlainValue(value)) {
      return encodeOther(headers ?? NO_HEADERS, own);
    }
    block += begin + value;
  }
  return block + END;
}

/** Looks at each header before it goes into the block. */
function encodeOther(headers: Headers, own: Headers): string {
  checkHeaders(headers);
  for (const name of headers.keys()) checkFree(name);
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${FIRST_LINE}${lines.join('')}\r\n`).toString('latin1');
}

function checkFree(name: string): void {
  if (RESERVED.test(name)) {
    throw new BusError(`the header ${name} is one that NATS itself acts upon`, { reason: 'TERABUS_HEADER_INVALID' });
  }
  if (KNOWN_NAMES.size < MOST_KNOWN_NAMES) KNOWN_NAMES.set(name, `\r\n${name}: `);
}

/** The headers of a stored message without those that are NATS' own. */
export function withoutReserved(headers: Headers): Headers {
  const own = new Map<string, string>();
  for (const [name, value] of headers) if (!RESERVED.test(name)) own.set(name, value);
  return own;
}

/**
 * The headers of a block as nearly everybody writes them: ASCII, a line each, and no status. Undefined for any other, which
 * {@link decodeHeaders} judges. Seen to be right as a whole, and taken apart when somebody asks for one: most handlers ask for none.
 */
export function plainHeaders(bytes: Buffer, from: number, to: number): Headers | undefined {
  for (let index = 0; index < FIRST_LINE.length; index++) {
    if (bytes[from + index] !== FIRST_LINE.charCodeAt(index)) return undefined;
  }
  const last = to - LINE_BREAK.length;
  let at = from + FIRST_LINE.length;
  while (at < last) {
    const name = at;
    while (isOfName(bytes[at] as number)) at += 1;
    if (at === name || bytes[at] !== COLON) return undefined;
    while (bytes[at] !== CR) {
      if (at >= last || bytes[at] === LF || (bytes[at] as number) >= 0x80) return undefined;
      at += 1;
    }
    if (bytes[at + 1] !== LF) return undefined;
    at += 2;
  }
  if (at !== last || bytes[at] !== CR || bytes[at + 1] !== LF) return undefined;
  return new PlainHeaders(bytes.toString('latin1', from, to));
}

const isOfName = (byte: number) => byte > 0x20 && byte < 0x7f && byte !== COLON;

/** A block of which it is known that each of its lines is a header. */
class PlainHeaders implements Headers {
  readonly #block: string;
  #all: Headers | undefined;

  constructor(block: string) {
    this.#block = block;
  }

  get(name: string): string | undefined {
    if (this.#all !== undefined) return this.#all.get(name);
    const at = this.#find(name);
    if (at === -1) return undefined;
    const value = at + name.length + LINE_BREAK.length + 1;
    return this.#block.slice(value, this.#block.indexOf(LINE_BREAK, value)).trim();
  }

  has(name: string): boolean {
    return this.#all?.has(name) ?? this.#find(name) !== -1;
  }

  get size(): number {
    return this.#apart.size;
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
    for (const [name, value] of this.#apart) callback.call(self, value, name, this);
  }

  entries() {
    return this.#apart.entries();
  }

  keys() {
    return this.#apart.keys();
  }

  values() {
    return this.#apart.values();
  }

  [Symbol.iterator]() {
    return this.#apart[Symbol.iterator]();
  }

  get [Symbol.toStringTag](): string {
    return 'Map';
  }

  /** As a map: whoever looks at it on the console would else see nothing in it. */
  [inspect.custom](): Headers {
    return this.#apart;
  }

  get #apart(): Headers {
    this.#all ??= decodeHeaders(Buffer.from(this.#block)).headers;
    return this.#all;
  }

  /** Where the line break in front of a name is. Each line has a name, which has no colon. */
  #find(name: string): number {
    return name.includes(':') ? -1 : this.#block.indexOf(`${LINE_BREAK}${name}:`);
  }
}

/**
 * Reads a block of headers. A name that came several times has its first value; white space around values is not part of them.
 * What other clients read differently is refused: they also end lines at a lone line feed, and the block at its first empty line.
 * One pass, whatever a sender wrote: the client's own reader takes time that grows with the square of the number of names.
 *
 * @throws BusError `TERABUS_MESSAGE_BAD`
 */
export function decodeHeaders(block: Uint8Array): DecodedHeaders {
  // Several times as fast as a `TextDecoder` with what is as short as this.
  const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString();
  let end = text.indexOf(LINE_BREAK);
  const first = end === -1 ? text : text.slice(0, end);
  const headers = new Map<string, string>();
  while (end !== -1) {
    const start = end + LINE_BREAK.length;
    end = text.indexOf(LINE_BREAK, start);
    const line = end === -1 ? text.slice(start) : text.slice(start, end);
    if (line !== '') readHeader(line, headers);
    else if (end !== -1 && text.includes(LINE_BREAK, end + LINE_BREAK.length)) bad('goes on behind its end');
    else break;
  }
  if (first === VERSION) return { status: undefined, description: '', headers };
  if (/[\r\n]/.test(first)) bad('has a line break that is none');
  const [, status, description = ''] = STATUS.exec(first.trimEnd()) ?? bad('has no version');
  return { status: status === undefined ? undefined : Number(status), description: description.trim(), headers };
}

function readHeader(line: string, headers: Map<string, string>): void {
  if (/[\r\n]/.test(line)) bad('has a line break that is none');
  const colon = line.indexOf(':');
  const name = line.slice(0, colon);
  if (colon < 1 || !NAME.test(name)) bad('has a line that is no header');
  if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
}

function bad(why: string): never {
  throw new BusError(`the block of headers of a message ${why}`, { reason: 'TERABUS_MESSAGE_BAD' });
}
