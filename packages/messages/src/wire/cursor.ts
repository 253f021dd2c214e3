import { BusError } from '../errors/bus-error.js';
import { ElementCount } from './limits.js';
import { Slab } from './slab.js';
import { isText, type RecentText, Texts } from './text.js';

/** Wire types, by their numbers in the lower three bits of a tag. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Eight bytes as numbers of any kind: a view over each input would cost more than all that is read with it. */
const eight = new DataView(new ArrayBuffer(8));
const eightBytes = new Uint8Array(eight.buffer);

const nothing = new Uint8Array(0);

/** Where bytes fields are copied to. */
const copied = new Slab();

/**
 * Reads the primitives of the wire format from bytes and knows where it is. Every method checks before it reads: a
 * length never leads to an allocation that the input doesn't have the bytes for.
 */
export class Cursor {
  /** Position of the next byte. */
  at = 0;
  /** How many bytes there are. */
  length = 0;
  /** Names of the fields around the position, outermost first, up to `deep`; for error messages. */
  readonly path: string[] = [];
  deep = 0;
  #type = '';
  #bytes: Uint8Array = nothing;
  readonly #own = new ElementCount();
  #elements = this.#own;
  #copies = true;
  readonly #texts = new Texts();

  /**
   * Begins with other bytes.
   * @param copies whether bytes fields are copied: what is decoded only to be looked at may point into its input.
   * @param elements where they are counted, if together with others.
   */
  begin(type: string, bytes: Uint8Array, copies: boolean, elements?: ElementCount): void {
    this.at = 0;
    this.deep = 0;
    this.#type = type;
    // A Buffer's slice() shares memory; a plain view's copies.
    this.#bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.length = this.#bytes.length;
    this.#copies = copies;
    this.#elements = elements ?? this.#own;
    if (elements === undefined) this.#own.begin(this.length);
  }

  /** Lets go of the bytes, and of what was made of them. */
  end(): void {
    this.#bytes = nothing;
    this.#texts.forget();
  }

  /** Counts elements that are about to become objects or entries. */
  spend(elements: number): void {
    if (this.#elements.spend(elements)) return;
    const { most, bytes } = this.#elements;
    throw new BusError(`${this.where()} has more than ${most} elements in ${bytes} bytes`, {
      reason: 'TERABUS_MESSAGE_OUT_OF_PROPORTION',
      details: { type: this.#type },
    });
  }

  /** A tag: at most five bytes and 32 bits, as in Python. */
  tag(end: number): number {
    if (this.at < end) {
      const byte = this.#bytes[this.at] as number;
      if (byte < 0x80) {
        this.at++;
        return byte;
      }
    }
    return this.#varint32(end, 'tag');
  }

  /** The end of the bytes whose length stands here, at most 2^31-1 and inside of what contains them. */
  lengthEnd(end: number): number {
    const { at } = this;
    const bytes = this.#bytes;
    let length = at < end ? (bytes[at] as number) : 0x80;
    if (length < 0x80) this.at = at + 1;
    else if (at + 1 < end && (bytes[at + 1] as number) < 0x80) {
      length += ((bytes[at + 1] as number) - 1) * 0x80;
      this.at = at + 2;
    } else length = this.#varint32(end, 'length');
    if (length > end - this.at) this.fail(`a length of ${length} where ${end - this.at} bytes are left`);
    return this.at + length;
  }

  /** The lower 32 bits of a varint of at most ten bytes, signed. */
  int32(end: number): number {
    let low = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte(end);
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low;
    }
    return this.fail('a varint of more than ten bytes');
  }

  /** A varint as 64 bits, unsigned. Bits beyond the 64th are dropped, as in Python. */
  uint64(end: number): bigint {
    return this.#varint64(end) ? eight.getBigUint64(0, true) : BigInt(eight.getUint32(0, true));
  }

  /** A varint as 64 bits, signed. */
  int64(end: number): bigint {
    return this.#varint64(end) ? eight.getBigInt64(0, true) : BigInt(eight.getUint32(0, true));
  }

  /** Whether any of a varint's bits is set. */
  bool(end: number): boolean {
    return this.uint64(end) !== 0n;
  }

  /** The position of eight or four bytes that are passed over. */
  fixed(size: 4 | 8, end: number): number {
    const start = this.at;
    if (end - start < size) this.fail('truncated');
    this.at = start + size;
    return start;
  }

  double(end: number): number {
    this.#load(8, end);
    return eight.getFloat64(0, true);
  }

  float(end: number): number {
    this.#load(4, end);
    return eight.getFloat32(0, true);
  }

  fixed32(end: number): number {
    this.#load(4, end);
    return eight.getUint32(0, true);
  }

  sfixed32(end: number): number {
    this.#load(4, end);
    return eight.getInt32(0, true);
  }

  fixed64(end: number): bigint {
    this.#load(8, end);
    return eight.getBigUint64(0, true);
  }

  sfixed64(end: number): bigint {
    this.#load(8, end);
    return eight.getBigInt64(0, true);
  }

  /** The next bytes, copied so that a message that is kept neither pins nor shares the input. */
  bytes(end: number): Uint8Array {
    const to = this.lengthEnd(end);
    const from = this.at;
    this.at = to;
    return this.#copies ? copied.copy(this.#bytes, from, to) : this.#bytes.subarray(from, to);
  }

  /** @param recent where the same is read of one input after the other */
  string(end: number, recent?: RecentText): string {
    const to = this.lengthEnd(end);
    try {
      const text = (recent ?? this.#texts).read(this.#bytes, this.at, to);
      this.at = to;
      return text;
    } catch {
      return this.fail('text that is not UTF-8');
    }
  }

  /** A text that most likely is this one. */
  likelyString(end: number, likely: string | undefined): string {
    const start = this.at;
    if (likely === undefined) return this.string(end);
    const to = this.lengthEnd(end);
    if (isText(likely, this.#bytes, this.at, to)) {
      this.at = to;
      return likely;
    }
    this.at = start;
    return this.string(end);
  }

  /** Where the cursor is, for error messages: `opentera.protobuf.TeraEvent.header.topic`. */
  where(): string {
    return [this.#type, ...this.path.slice(0, this.deep)].join('.');
  }

  /** Gives up. */
  fail(what: string): never {
    throw new BusError(`${this.where()}: ${what} at byte ${this.at} of ${this.length}`, {
      reason: 'TERABUS_MESSAGE_UNDECODABLE',
      details: { type: this.#type, offset: this.at },
    });
  }

  #byte(end: number): number {
    if (this.at >= end) this.fail('truncated');
    return this.#bytes[this.at++] as number;
  }

  #load(size: 4 | 8, end: number): void {
    const bytes = this.#bytes;
    const from = this.fixed(size, end);
    for (let index = 0; index < size; index++) eightBytes[index] = bytes[from + index] as number;
  }

  /** Puts a varint into `eight`, and answers whether it has more than 28 bits. */
  #varint64(end: number): boolean {
    let low = 0;
    let middle = 0;
    let high = 0;
    // Three parts of 28, 28 and 14 bits stay small integers.
    for (let index = 0; index < 10; index++) {
      const byte = this.#byte(end);
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (index * 7);
      else if (index < 8) middle |= bits << ((index - 4) * 7);
      else high |= bits << ((index - 8) * 7);
      if (byte < 0x80) {
        eight.setInt32(0, low | (middle << 28), true);
        if (index < 4) return false;
        eight.setInt32(4, (middle >>> 4) | (high << 24), true);
        return true;
      }
    }
    return this.fail('a varint of more than ten bytes');
  }

  #varint32(end: number, what: string): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte(end);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value > 0xffff_ffff ? this.fail(`a ${what} of more than 32 bits`) : value;
    }
    return this.fail(`a ${what} of more than five bytes`);
  }
}
