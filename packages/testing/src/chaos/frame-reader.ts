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
    const out: (Buffer | Frame)[] = [];
    let passed = 0;
    let at = 0;
    const passTo = (end: number) => {
      if (end > passed) out.push(chunk.subarray(passed, end));
      passed = end;
    };
    const boundary = () => {
      this.#state = 'line';
      if (this.#insertions.length === 0) return;
      passTo(at);
      out.push(...this.#insertions.splice(0));
    };

    while (at < chunk.length) {
      if (this.#state === 'passing') {
        const taken = Math.min(this.#left, chunk.length - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) boundary();
      } else if (this.#state === 'collecting') {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#collected.push(chunk.subarray(at, at + taken));
        at += taken;
        passed = at;
        this.#left -= taken;
        if (this.#left === 0) {
          out.push(this.#collectedFrame());
          boundary();
        }
      } else {
        const newline = chunk.indexOf(NEWLINE, at);
        const end = newline === -1 ? chunk.length : newline + 1;
        if (this.#state === 'other line') {
          at = end;
          if (newline !== -1) boundary();
          continue;
        }
        const part = chunk.subarray(at, end);
        const line = this.#head.length === 0 ? part : Buffer.concat([this.#head, part]);
        if (newline === -1) {
          if (!mayAnnounceMessage(this.#direction, line) || line.length > LONGEST_LINE) {
            this.#releaseHead(out);
            this.#state = 'other line';
          } else {
            if (this.#head.length === 0) this.#isHeadOut = !this.#watch.isOn;
            this.#head = line;
            if (!this.#isHeadOut) {
              passTo(at);
              passed = end;
            }
          }
          at = end;
          continue;
        }
        const announced = readControlLine(this.#direction, line);
        if (announced && !this.#isHeadOut && this.#watch.watches(announced.subject)) {
          passTo(at);
          passed = end;
          this.#head = EMPTY;
          this.#collected = [line];
          this.#announced = announced;
          this.#state = 'collecting';
        } else {
          this.#releaseHead(out);
          if (announced) this.#state = 'passing';
        }
        at = end;
        if (announced) this.#left = announced.bytes + CRLF_BYTES;
        else boundary();
      }
    }
    passTo(chunk.length);
    return out;
  }

  /** Only at the start of a chunk is there a head, so that nothing of the chunk is out yet. */
  #releaseHead(out: (Buffer | Frame)[]): void {
    if (this.#head.length > 0 && !this.#isHeadOut) out.push(this.#head);
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
