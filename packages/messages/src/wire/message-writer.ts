import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Output } from './output.js';
import { isWellFormed, writeText } from './text.js';

/** Thrown by a writer for a value that its method doesn't take. Who wrote it has to find out which field it was. */
export const unwritable = new Error('a value that bytes cannot carry');

/** Up to here, a loop over a text's units costs less than a native call. */
const shortText = 20;

/** All that generated code may call. */
type WriterMethods = {
  readonly [Name in keyof BinaryWriter]: (...values: Parameters<BinaryWriter[Name]>) => unknown;
};

/** Eight bytes as numbers of any kind. */
const eight = new DataView(new ArrayBuffer(8));

/**
 * What ts-proto's encoders write to, instead of the `BinaryWriter` of `@bufbuild/protobuf`, with the same methods and the
 * same bytes. Small messages are written to where they are handed out from. It takes nothing that would arrive as something
 * else: neither text for a number nor text with lone surrogates.
 */
export class MessageWriter extends Output implements WriterMethods {
  fork(): this {
    this.room(1);
    this.forks[this.open++] = this.at++;
    return this;
  }

  join(): this {
    if (this.open === 0) throw new Error('a message that was joined and not forked');
    const from = (this.forks[--this.open] as number) + 1;
    const length = this.at - from;
    // One byte was left for the length.
    const more = sizeOf(length) - 1;
    if (more > 0) {
      this.room(more);
      this.memory.copyWithin(from + more, from, this.at);
    }
    this.at = from - 1;
    this.#varint(length);
    this.at += length;
    return this;
  }

  tag(fieldNo: number, type: number): this {
    return this.uint32(((fieldNo << 3) | type) >>> 0);
  }

  raw(chunk: Uint8Array): this {
    if (!(chunk instanceof Uint8Array)) throw unwritable;
    const size = lengthOf(chunk);
    this.room(size);
    this.memory.set(chunk, this.at);
    this.at += size;
    return this;
  }

  uint32(value: number): this {
    if (typeof value !== 'number' || value >>> 0 !== value) throw unwritable;
    this.room(5);
    if (value < 0x80) this.memory[this.at++] = value;
    else this.#varint(value);
    return this;
  }

  int32(value: number): this {
    if (typeof value !== 'number' || (value | 0) !== value) throw unwritable;
    if (value >= 0) return this.uint32(value);
    this.room(10);
    this.#varint64(value, -1);
    return this;
  }

  bool(value: boolean): this {
    if (typeof value !== 'boolean') throw unwritable;
    this.room(1);
    this.memory[this.at++] = value ? 1 : 0;
    return this;
  }

  bytes(value: Uint8Array): this {
    if (!(value instanceof Uint8Array)) throw unwritable;
    return this.uint32(lengthOf(value)).raw(value);
  }

  string(value: string): this {
    if (typeof value !== 'string') throw unwritable;
    const { length } = value;
    if (length > shortText) return this.#text(value);
    this.room(length + 1);
    const bytes = this.memory;
    let at = this.at;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return this.#text(value);
      bytes[at++] = unit;
    }
    this.at = at;
    return this;
  }

  float(value: number): this {
    if (typeof value !== 'number' || (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))) throw unwritable;
    this.room(4);
    this.view.setFloat32(this.at, value, true);
    this.at += 4;
    return this;
  }

  double(value: number): this {
    if (typeof value !== 'number') throw unwritable;
    this.room(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
    return this;
  }

  fixed32(value: number): this {
    if (typeof value !== 'number' || value >>> 0 !== value) throw unwritable;
    this.room(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
    return this;
  }

  sfixed32(value: number): this {
    if (typeof value !== 'number' || (value | 0) !== value) throw unwritable;
    this.room(4);
    this.view.setInt32(this.at, value, true);
    this.at += 4;
    return this;
  }

  sint32(value: number): this {
    if (typeof value !== 'number' || (value | 0) !== value) throw unwritable;
    return this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed64(value: unknown): this {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) throw unwritable;
    this.room(8);
    this.view.setBigUint64(this.at, value, true);
    this.at += 8;
    return this;
  }

  sfixed64(value: unknown): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw unwritable;
    this.room(8);
    this.view.setBigInt64(this.at, value, true);
    this.at += 8;
    return this;
  }

  uint64(value: unknown): this {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) throw unwritable;
    eight.setBigUint64(0, value);
    this.room(10);
    this.#varint64(eight.getInt32(4), eight.getInt32(0));
    return this;
  }

  int64(value: unknown): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw unwritable;
    eight.setBigInt64(0, value);
    this.room(10);
    this.#varint64(eight.getInt32(4), eight.getInt32(0));
    return this;
  }

  sint64(value: unknown): this {
    if (typeof value !== 'bigint' || BigInt.asIntN(64, value) !== value) throw unwritable;
    eight.setBigInt64(0, value);
    const low = eight.getInt32(4);
    const high = eight.getInt32(0);
    const sign = high >> 31;
    this.room(10);
    this.#varint64((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
    return this;
  }

  /** A text that is long, or more than ASCII. */
  #text(value: string): this {
    const { length } = value;
    // What is more than ASCII takes at least one byte more than it has units, and none of its characters over four.
    const room = length + 4;
    this.room(5 + room);
    const guess = sizeOf(length);
    const written = writeText(value, this.memory, this.at + guess, room);
    if (written !== length) return this.#unicode(value);
    this.#varint(written);
    this.at += written;
    return this;
  }

  #unicode(value: string): this {
    if (!isWellFormed(value)) throw unwritable;
    const room = value.length * 3;
    this.room(5 + room);
    const from = this.at + sizeOf(room);
    const written = writeText(value, this.memory, from, room);
    this.#varint(written);
    this.memory.copyWithin(this.at, from, from + written);
    this.at += written;
    return this;
  }

  /** Room for it is there. */
  #varint(value: number): void {
    const bytes = this.memory;
    let rest = value;
    while (rest > 0x7f) {
      bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.at++] = rest;
  }

  /** Room for it is there. */
  #varint64(low: number, high: number): void {
    const bytes = this.memory;
    let rest = low >>> 0;
    let above = high >>> 0;
    while (above !== 0) {
      bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest = ((rest >>> 7) | (above << 25)) >>> 0;
      above >>>= 7;
    }
    this.#varint(rest);
  }
}

/** How many bytes a length takes. */
function sizeOf(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x4000) return 2;
  if (length < 0x20_0000) return 3;
  return length < 0x1000_0000 ? 4 : 5;
}

const byteLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength')?.get as (
  this: Uint8Array,
) => number;

/** How many bytes there really are, whatever a subclass says: what is not overwritten is of another message. */
const lengthOf = (bytes: Uint8Array): number => byteLength.call(bytes);
