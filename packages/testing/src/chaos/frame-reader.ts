import { type ControlLine, mayAnnounceMessage, readControlLine } from './control-line.js';
import type { Direction } from './direction.js';

/** A message on its way, as it stands on the wire. */
export interface Frame extends ControlLine {
  /** All of it: line, headers, payload, line end. */
  readonly wire: Buffer;
  readonly headers: Buffer;
  readonly payload: Buffer;
}

/** Which messages a reader takes apart. All others pass it as they come. */
export interface Watch {
  /** Whether there is any subject to look for: if not, the reader holds nothing back, whatever bytes they are. */
  readonly isOn: boolean;
  watches(subject: string): boolean;
}

/** Longer lines are none that a server would take. */
const LONGEST_LINE = 64 * 1024;
const NEWLINE = 0x0a;
const CRLF_BYTES = 2;
const EMPTY = Buffer.alloc(0);

/**
 * Finds messages in a stream of NATS' protocol, however it was cut into chunks. What comes out is, in order, all that
 * went in: watched messages whole, everything else as it came.
 */
export class FrameReader {
  readonly #direction: Direction;
  readonly #watch: Watch;
  #state: 'line' | 'other line' | 'passing' | 'collecting' = 'line';
  /** The start of a line whose end has not come. */
  #head: Buffer = EMPTY;
  #isHeadOut = false;
  #left = 0;
  #collected: Buffer[] = [];
  #announced: ControlLine | undefined;
  #insertions: Buffer[] = [];
  #chunk: Buffer = EMPTY;
  /** Where in the chunk we read, and up to where it is given out or kept elsewhere. */
  #at = 0;
  #outTo = 0;
  #out: (Buffer | Frame)[] = [];

  constructor(direction: Direction, watch: Watch) {
    this.#direction = direction;
    this.#watch = watch;
  }

  /** Puts bytes between two messages: returns them if that is here, else they come out where the message ends. */
  insert(bytes: Buffer): readonly Buffer[] {
    const isInside = this.#state === 'passing' || (this.#state === 'line' && this.#isHeadOut);
    if (!isInside) return [bytes];
    this.#insertions.push(bytes);
    return [];
  }

  /** What is left when the stream ends in the middle of something. */
  rest(): Buffer {
    const rest = Buffer.concat([...this.#collected, ...(this.#isHeadOut ? [] : [this.#head])]);
    this.#collected = [];
    this.#head = EMPTY;
    return rest;
  }

  push(chunk: Buffer): (Buffer | Frame)[] {
    this.#chunk = chunk;
    this.#at = 0;
    this.#outTo = 0;
    this.#out = [];
    while (this.#at < chunk.length) {
      if (this.#state === 'passing' || this.#state === 'collecting') this.#readMessage();
      else this.#readLine();
    }
    this.#passTo(chunk.length);
    return this.#out;
  }

  #readMessage(): void {
    const end = Math.min(this.#at + this.#left, this.#chunk.length);
    this.#left -= end - this.#at;
    if (this.#state === 'collecting') {
      this.#collected.push(this.#chunk.subarray(this.#at, end));
      this.#outTo = end;
    }
    this.#at = end;
    if (this.#left > 0) return;
    if (this.#state === 'collecting') this.#out.push(this.#collectedFrame());
    this.#boundary();
  }

  #readLine(): void {
    const newline = this.#chunk.indexOf(NEWLINE, this.#at);
    const isWhole = newline !== -1;
    const end = isWhole ? newline + 1 : this.#chunk.length;
    const part = this.#chunk.subarray(this.#at, end);
    if (this.#state === 'line') {
      const line = this.#head.length === 0 ? part : Buffer.concat([this.#head, part]);
      if (isWhole) this.#takeLine(line, end);
      else this.#takeStart(line, end);
    } else if (isWhole) {
      this.#state = 'line';
    }
    this.#at = end;
    if (isWhole && this.#state === 'line') this.#boundary();
  }

  /** A line whose end is still to come: held back if it may be that of a watched message. */
  #takeStart(line: Buffer, end: number): void {
    if (!mayAnnounceMessage(this.#direction, line) || line.length > LONGEST_LINE) {
      this.#releaseHead();
      this.#state = 'other line';
      return;
    }
    if (this.#head.length === 0) this.#isHeadOut = !this.#watch.isOn;
    this.#head = line;
    if (!this.#isHeadOut) this.#hold(end);
  }

  #takeLine(line: Buffer, end: number): void {
    const announced = readControlLine(this.#direction, line);
    if (announced && !this.#isHeadOut && this.#watch.watches(announced.subject)) {
      this.#hold(end);
      this.#head = EMPTY;
      this.#collected = [line];
      this.#announced = announced;
      this.#state = 'collecting';
    } else {
      this.#releaseHead();
      if (announced) this.#state = 'passing';
    }
    if (announced) this.#left = announced.bytes + CRLF_BYTES;
  }

  /** Gives out what stands in front of here, and keeps what follows up to `end`. */
  #hold(end: number): void {
    this.#passTo(this.#at);
    this.#outTo = end;
  }

  #passTo(end: number): void {
    if (end > this.#outTo) this.#out.push(this.#chunk.subarray(this.#outTo, end));
    this.#outTo = end;
  }

  /** Between two messages. */
  #boundary(): void {
    this.#state = 'line';
    if (this.#insertions.length === 0) return;
    this.#passTo(this.#at);
    this.#out.push(...this.#insertions.splice(0));
  }

  /** There is a head at the start of a chunk only, so that nothing of the chunk is out yet. */
  #releaseHead(): void {
    if (this.#head.length > 0 && !this.#isHeadOut) this.#out.push(this.#head);
    this.#head = EMPTY;
    this.#isHeadOut = false;
  }

  #collectedFrame(): Frame {
    const wire = Buffer.concat(this.#collected);
    const announced = this.#announced as ControlLine;
    const start = (this.#collected[0] as Buffer).length;
    this.#collected = [];
    return {
      ...announced,
      wire,
      headers: wire.subarray(start, start + announced.headerBytes),
      payload: wire.subarray(start + announced.headerBytes, start + announced.bytes),
    };
  }
}
