import process, { nextTick } from 'node:process';
import { afterTurn } from './turn.js';

/** Some two hundred small messages. A larger one, with its head, is not worth a copy. */
const SLAB_BYTES = 65_536;

const LINE_BREAK = Buffer.from('\r\n');

/** A write of so many bytes, so few milliseconds ago, is one of a stream of messages. */
const STREAM_BYTES = 8_192;
const STREAM_MS = 2;
/** What belongs to a stream waits for more of it: until so much is there, and no longer than for so many turns of the event loop. */
const ENOUGH_BYTES = 49_152;
const MOST_TURNS = 4;

/** Those that have something to write in this turn. A process that ends in its middle hands it over first. */
const awaited = new Set<WriteBuffer>();
process.on('exit', () => {
  for (const buffer of awaited) buffer.flush();
});

/**
 * What is to be written in one turn of the event loop goes to the socket in two pieces, for each write costs as much as
 * several messages: what was added in one go, before whoever awaits it goes on and may compute for long; and what came by then, when
 * everything has run that could add to it. In a stream of messages a write waits for a few turns: with 60 KB to a write a sixth more of them went from a publisher to a
 * handler than with 20 KB.
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
   * A frame: its head, of which each character is one byte, with its line break; and its content.
   *
   * @param urgent it is written in this turn of the event loop, with all that is there
   */
  add(head: string, content: Uint8Array, urgent: boolean): void {
    if (urgent) this.#isUrgent = true;
    // What waits for more would else be looked at again in the next turn.
    if (urgent && this.#turns > 0) this.#isAwaited = false;
    const size = head.length + content.length + LINE_BREAK.length;
    if (size > SLAB_BYTES - this.#end) {
      this.flush();
      if (size > SLAB_BYTES / 4) {
        this.#write(Buffer.from(head, 'latin1'), content, LINE_BREAK);
        return;
      }
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#written = 0;
      this.#end = 0;
    }
    const slab = this.#slab;
    let end = this.#end + slab.write(head, this.#end, 'latin1');
    slab.set(content, end);
    end += content.length;
    slab[end] = 13;
    slab[end + 1] = 10;
    this.#end = end + 2;
    if (!this.#isAwaited) this.#await();
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
