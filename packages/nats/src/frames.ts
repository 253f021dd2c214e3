import { NatsMessage } from './raw-message.js';

const SPACE = 32;
const CR = 13;
const LF = 10;
const G = 71;
const H = 72;
const M = 77;
const S = 83;
const ZERO = 48;
/** The bit that tells a small letter from its capital. */
const LOWER = 32;

/** A longer line is not kept until its end comes. */
const LONGEST_LINE = 65_536;

/** Twice what nats-server takes by default: as much memory is held for one at most. */
const LARGEST_FRAME = 2_097_152;

/** Who is given what was read. */
export interface FramesListener {
  /** A message of a subscription, by its number. */
  message(subscription: number, message: NatsMessage): void;
  /** Everything else, and what is odd: bytes of the protocol, in pieces that end where a frame does or with a chunk. */
  rest(bytes: Uint8Array): void;
}

/**
 * Finds the messages in what comes off the socket, where they lie. All else is for the client's own reader: what the server
 * says beside, and messages that are too large to be put together here. That one takes 1.5 µs and eight objects for each
 * message, which is as much as all that is done with it.
 */
export class Frames {
  readonly #listener: FramesListener;
  /** What has begun, and whose end has not come. */
  #begun: Buffer | undefined;
  /** How much of it is there, where it is known how much it will be. */
  #filled = 0;
  /** How many bytes of a frame the other reader still needs. */
  #missing = 0;
  /** Whether the other reader has met what only it can judge: it goes on alone. */
  #isOver = false;
  /** Of many messages in a row the subject is the same: no other string is made of it. */
  #lastSubject = '';
  #lastBytes = Buffer.alloc(0);

  constructor(listener: FramesListener) {
    this.#listener = listener;
  }

  read(bytes: Uint8Array): void {
    if (this.#isOver) {
      this.#listener.rest(bytes);
      return;
    }
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    if (this.#begun !== undefined && this.#filled > 0) at = this.#fill(this.#begun, chunk);
    else if (this.#begun !== undefined) {
      chunk = Buffer.concat([this.#begun, chunk]);
      this.#begun = undefined;
    } else if (this.#missing > 0) {
      at = Math.min(this.#missing, chunk.length);
      this.#missing -= at;
      this.#listener.rest(chunk.subarray(0, at));
    }
    while (at < chunk.length && !this.#isOver) at = this.#frame(chunk, at);
    if (at < chunk.length) this.#listener.rest(chunk.subarray(at));
  }

  /** Adds to a frame that has begun what of it has come, and says where the next one begins. */
  #fill(begun: Buffer, chunk: Buffer): number {
    const end = Math.min(begun.length - this.#filled, chunk.length);
    chunk.copy(begun, this.#filled, 0, end);
    this.#filled += end;
    if (this.#filled === begun.length) {
      this.#begun = undefined;
      this.#filled = 0;
      this.#frame(begun, 0);
    }
    return end;
  }

  /** Reads what begins at a position, and says where the next one begins. */
  #frame(chunk: Buffer, at: number): number {
    const { length } = chunk;
    const withHeaders = chunk[at] === H;
    const name = withHeaders ? at + 1 : at;
    if (chunk[name] !== M || chunk[name + 1] !== S || chunk[name + 2] !== G || chunk[name + 3] !== SPACE) {
      return this.#otherLine(chunk, at);
    }

    // `MSG <subject> <subscription> [reply] <size>` or `HMSG <subject> <subscription> [reply] <header> <size>`.
    let [spaces, sid, third, fourth, fifth] = [0, 0, 0, 0, 0];
    let bits = 0;
    const subject = name + 4;
    let end = name + 3;
    for (; end < length; end++) {
      const byte = chunk[end] as number;
      if (byte === CR) break;
      bits |= byte;
      if (byte !== SPACE) continue;
      spaces += 1;
      if (spaces === 2) sid = end + 1;
      else if (spaces === 3) third = end + 1;
      else if (spaces === 4) fourth = end + 1;
      else if (spaces === 5) fifth = end + 1;
    }
    if (end + 1 >= length) return this.#keepLine(chunk, at);
    const fewest = withHeaders ? 4 : 3;
    const hasReply = spaces === fewest + 1;
    if ((spaces !== fewest && !hasReply) || chunk[end + 1] !== LF) return this.#giveUp(chunk, at);

    const header = hasReply ? fourth : third;
    const size = withHeaders ? (hasReply ? fifth : fourth) : header;
    const headerBytes = withHeaders ? numberAt(chunk, header, size - 1) : 0;
    const bytes = numberAt(chunk, size, end);
    const subscription = numberAt(chunk, sid, third - 1);
    if (subscription < 0 || headerBytes < 0 || bytes < headerBytes) return this.#giveUp(chunk, at);

    const from = end + 2;
    const to = from + bytes;
    if (to + 2 > length) return this.#awaitRest(chunk, at, to + 2);
    if (chunk[to] !== CR || chunk[to + 1] !== LF) return this.#giveUp(chunk, at);
    const encoding = bits < 0x80 ? 'latin1' : 'utf8';
    // Servers write their statuses with an empty one.
    const replyTo = hasReply && fourth - 1 > third ? chunk.toString(encoding, third, fourth - 1) : undefined;
    const message = new NatsMessage(
      this.#subject(chunk, subject, sid - 1, encoding),
      replyTo,
      chunk,
      from,
      from + headerBytes,
      to,
    );
    this.#listener.message(subscription, message);
    return to + 2;
  }

  #subject(chunk: Buffer, from: number, to: number, encoding: BufferEncoding): string {
    const last = this.#lastBytes;
    let at = last.length === to - from ? to : from;
    // From the end: there most subjects differ that follow one another.
    while (at > from && chunk[at - 1] === last[at - 1 - from]) at -= 1;
    if (at > from || last.length !== to - from) {
      this.#lastSubject = chunk.toString(encoding, from, to);
      this.#lastBytes = Buffer.from(chunk.subarray(from, to));
    }
    return this.#lastSubject;
  }

  #otherLine(chunk: Buffer, at: number): number {
    const end = chunk.indexOf(LF, at);
    if (end === -1) return this.#keepLine(chunk, at);
    const first = (chunk[at] as number) & ~LOWER;
    // A message as the other reader takes them too, `msg` or with a tab: what comes behind the line belongs to it.
    if (first === M || first === H) return this.#giveUp(chunk, at);
    this.#listener.rest(chunk.subarray(at, end + 1));
    return end + 1;
  }

  #awaitRest(chunk: Buffer, at: number, end: number): number {
    if (end - at > LARGEST_FRAME) {
      this.#missing = end - chunk.length;
      this.#listener.rest(chunk.subarray(at));
    } else {
      this.#begun = Buffer.allocUnsafe(end - at);
      this.#filled = chunk.copy(this.#begun, 0, at);
    }
    return chunk.length;
  }

  #keepLine(chunk: Buffer, at: number): number {
    if (chunk.length - at > LONGEST_LINE) return this.#giveUp(chunk, at);
    this.#begun = Buffer.from(chunk.subarray(at));
    return chunk.length;
  }

  #giveUp(chunk: Buffer, at: number): number {
    this.#isOver = true;
    this.#listener.rest(chunk.subarray(at));
    return chunk.length;
  }
}

/** A number of digits; −1 for anything else. */
function numberAt(bytes: Uint8Array, from: number, to: number): number {
  if (from >= to || to - from > 10) return -1;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
