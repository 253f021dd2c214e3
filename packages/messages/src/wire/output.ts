import { largestPart, Slab } from './slab.js';

/** What is kept for the next large message, between messages. */
const largestKept = 2 ** 18;
const smallestLarge = 2 ** 14;
const smallestSheet = 2 ** 10;

/** A slab with less room than this is left: most messages would have to move to the next one in their middle. */
const leastRoom = 512;

/** Memory that one message after the other is written to. */
export class Sheet {
  bytes = new Uint8Array(smallestSheet);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where the next one begins. */
  at = 0;
}

/**
 * Memory that a message is written to. Small messages are written to where they are handed out from; large ones to a
 * buffer that is used again, and are copied out of it once.
 */
export class Output {
  readonly #slab = new Slab();
  /** What is written to, behind `at`. */
  protected memory = this.#slab.bytes;
  protected view = this.#slab.view;
  #start = 0;
  protected at = 0;
  /** Where the lengths of messages that are being written stand; those behind `open` are of earlier ones. */
  protected readonly forks: number[] = [];
  protected open = 0;
  #large: Uint8Array<ArrayBuffer> | undefined;
  #sheet: Sheet | undefined;

  /** Begins a message, whatever became of the last one. */
  begin(): void {
    const slab = this.#slab;
    if (slab.bytes.length - slab.at < leastRoom) slab.renew();
    this.#useSlab();
    this.#start = this.at = slab.at;
    this.open = 0;
  }

  /** Begins a message behind those on a sheet. Until {@link keep}, that has as many as before. */
  beginOn(sheet: Sheet): void {
    this.#sheet = sheet;
    this.memory = sheet.bytes;
    this.view = sheet.view;
    this.at = sheet.at;
    this.open = 0;
  }

  /** Leaves the message on its sheet. */
  keep(): void {
    if (this.#sheet === undefined || this.open > 0) throw new Error('a message that is not finished, or on no sheet');
    this.#sheet.bytes = this.memory;
    this.#sheet.view = this.view;
    this.#sheet.at = this.at;
  }

  /** Lets go of a large message, whatever became of it. */
  end(): void {
    this.#sheet = undefined;
    this.#useSlab();
    if (this.#large !== undefined && this.#large.length > largestKept) this.#large = undefined;
  }

  /** The bytes of the message. Nothing is ever written to them again. */
  finish(): Uint8Array<ArrayBuffer> {
    if (this.open > 0) throw new Error('a message that was forked and not joined');
    return this.memory === this.#slab.bytes ? this.#slab.take(this.at) : this.memory.slice(0, this.at);
  }

  /** Takes the last fork back, with its tag of one byte, if nothing was written behind it. */
  unforkIfEmpty(): boolean {
    if (this.open === 0 || this.at !== (this.forks[this.open - 1] as number) + 1) return false;
    this.open--;
    this.at -= 2;
    return true;
  }

  /** Sees to it that there is room for these many bytes. */
  protected room(size: number): void {
    if (this.at + size > this.memory.length) this.#grow(size);
  }

  /** Says nothing where nothing is new: what is young and held by what is old is noted by the collector each time. */
  #useSlab(): void {
    if (this.memory === this.#slab.bytes) return;
    this.memory = this.#slab.bytes;
    this.view = this.#slab.view;
  }

  /** Goes on with the message in a fresh slab, or in a buffer of its own if it is large. */
  #grow(size: number): void {
    if (this.#sheet !== undefined) {
      this.#growSheet(size);
      return;
    }
    const slab = this.#slab;
    const from = this.memory;
    const written = this.at - this.#start;
    const least = written + size;
    if (from === slab.bytes && least <= largestPart) {
      slab.renew();
      this.memory = slab.bytes;
      this.view = slab.view;
    } else {
      if (this.#large === undefined || this.#large.length < least) {
        this.#large = new Uint8Array(Math.max(smallestLarge, 2 ** Math.ceil(Math.log2(least))));
      }
      this.memory = this.#large;
      this.view = new DataView(this.#large.buffer);
    }
    this.memory.set(from.subarray(this.#start, this.at));
    for (let index = 0; index < this.open; index++) (this.forks[index] as number) -= this.#start;
    this.#start = 0;
    this.at = written;
  }

  #growSheet(size: number): void {
    const from = this.memory;
    this.memory = new Uint8Array(2 ** Math.ceil(Math.log2(this.at + size)));
    this.view = new DataView(this.memory.buffer);
    this.memory.set(from.subarray(0, this.at));
  }
}
