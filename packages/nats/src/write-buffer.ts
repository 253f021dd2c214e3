import process, { nextTick } from 'node:process';
import { afterTurn } from './turn.js';

/** Some four hundred small messages. */
const SLAB_BYTES = 131_072;
/** A larger one that there is no room for is written by itself. */
const LARGEST_COPY = 16_384;

const LINE_BREAK = Buffer.from('\r\n');
const SPACE = 32;
const ZERO = 48;
/** Two numbers with ten digits at most, a space and two line breaks. */
const MOST_OF_SIZES = 25;

/** A write of so many bytes, so few milliseconds ago, is one of a stream of messages. */
const STREAM_BYTES = 8_192;
const STREAM_MS = 2;
/** What belongs to a stream waits for more of it: until so much is there, and no longer than for so many turns of the event loop. */
const ENOUGH_BYTES = 98_304;
const MOST_TURNS = 8;

/** Those that have something to write in this turn. A process that ends in its middle hands it over first. */
const awaited = new Set<WriteBuffer>();
process.on('exit', () => {
  for (const buffer of awaited) buffer.flush();
});

/**
 * What is to be written in one turn of the event loop goes to the socket in two pieces, for each write costs as much as
 * several messages: what was added in one go, before whoever awaits it goes on and may compute for long; and what came by then, when
 * everything has run that could add to it. In a stream of messages a write waits for a few turns, and 2 ms at most: with 96 KB to a write a server needed
 * 1.5 µs for each of them, with 20 KB 2.6.
 */
export class WriteBuffer {
  readonly #write: (first: Uint8Array, ...more: Uint8Array[]) => void;
  /** Filled once, from its start to its end: what the socket has not sent yet lies in front. */
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #written = 0;
  #end = 0;
  #isAwaited = false;
  /** Whether somebody waits for what is there. */
  #isUrgent = false;
  #turns = 0;
  readonly #elapsed: () => number;
  #lastAt = Number.NEGATIVE_INFINITY;
  #lastBytes = 0;

  /** `write` is handed the pieces of one write, which stay as they are. */
  constructor(write: (first: Uint8Array, ...more: Uint8Array[]) => void, elapsed: () => number) {
    this.#write = write;
    this.#elapsed = elapsed;
  }

  /**
   * The frame of a message. Of its strings each character is one byte.
   *
   * @param command with its arguments up to the sizes, and a space: `PUB a `, or `HPUB a ` for one with headers
   * @param headers its block of headers, empty for none
   * @param urgent it is written in this turn of the event loop, with all that is there
   */
  add(command: string, headers: string, content: Uint8Array, urgent: boolean): void {
    const size = command.length + MOST_OF_SIZES + headers.length + content.length;
    if (size > SLAB_BYTES - this.#end && !this.#makeRoom(size)) {
      const line = `${command}${headers === '' ? '' : `${headers.length} `}${headers.length + content.length}\r\n`;
      this.#write(Buffer.from(line + headers, 'latin1'), content, LINE_BREAK);
      return;
    }
    const slab = this.#slab;
    let end = this.#end;
    for (let index = 0; index < command.length; index++) slab[end++] = command.charCodeAt(index);
    if (headers !== '') {
      end = writeNumber(headers.length, slab, end);
      slab[end++] = SPACE;
    }
    end = writeLineBreak(slab, writeNumber(headers.length + content.length, slab, end));
    if (headers !== '') end += slab.write(headers, end, 'latin1');
    slab.set(content, end);
    this.#end = writeLineBreak(slab, end + content.length);
    if (urgent) {
      this.#isUrgent = true;
      // What waits for more would else be looked at again in the next turn.
      if (this.#turns > 0) this.#isAwaited = false;
    }
    if (!this.#isAwaited) this.#await();
  }

  /** Writes what is there. False for what is too large for another slab. */
  #makeRoom(size: number): boolean {
    this.flush();
    if (size > LARGEST_COPY) return false;
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#written = 0;
    this.#end = 0;
    return true;
  }

  /** Hands over what is there. */
  flush(): void {
    if (this.#written === this.#end) return;
    const bytes = this.#slab.subarray(this.#written, this.#end);
    this.#written = this.#end;
    this.#isUrgent = false;
    this.#turns = 0;
    this.#lastAt = this.#elapsed();
    this.#lastBytes = bytes.length;
    this.#write(bytes);
  }

  /** Whether it waits for more. */
  get #isPatient(): boolean {
    if (this.#isUrgent || this.#turns === MOST_TURNS || this.#end - this.#written >= ENOUGH_BYTES) return false;
    return this.#lastBytes >= STREAM_BYTES && this.#elapsed() - this.#lastAt < STREAM_MS;
  }

  #await(): void {
    this.#isAwaited = true;
    awaited.add(this);
    void Promise.resolve().then(this.#lead);
  }

  readonly #lead = (): void => {
    if (!this.#isPatient) this.flush();
    // A tick that is asked for among promises comes behind the last one.
    nextTick(this.#flushAwaited);
  };

  readonly #flushAwaited = (): void => {
    if (this.#end > this.#written && this.#isPatient) {
      this.#turns += 1;
      afterTurn(this.#flushAwaited);
      return;
    }
    this.#isAwaited = false;
    awaited.delete(this);
    this.flush();
  };
}

function writeLineBreak(bytes: Uint8Array, at: number): number {
  bytes[at] = 13;
  bytes[at + 1] = 10;
  return at + 2;
}

function writeNumber(number: number, bytes: Uint8Array, at: number): number {
  let end = at + 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) end += 1;
  let rest = number;
  for (let digit = end - 1; digit >= at; digit--) {
    bytes[digit] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}
