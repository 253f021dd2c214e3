import { BusError } from '../errors/bus-error.js';
import type { Field, ScalarKind } from '../types/field.js';
import type { Message, MessageType } from '../types/message-type.js';
import { Cursor, WireType } from './cursor.js';
import { ElementCount, maxDepth } from './limits.js';
import { skipField } from './skip-field.js';

/** A message while it is being filled. */
type Draft = Record<string, unknown>;

/** Fields by number, made when a type is first decoded: its field table may name types that load later. */
const fieldsByNumber = new WeakMap<MessageType, Map<number, Field>>();

/**
 * Decodes in one pass, driven by the field table. ts-proto's generated decoders are not used: they end a message at
 * tag 0 or an end-group tag and go on in the outer one, so that bytes inside a header come out as an event, and they
 * replace a message field that occurs twice where Python merges both.
 */
export function readMessage<T extends Message>(type: MessageType<T>, bytes: Uint8Array): T {
  // A view of a type of its own tag: `instanceof` alone takes proxies and objects that inherit from Uint8Array.
  if (!ArrayBuffer.isView(bytes) || !(bytes instanceof Uint8Array) || isDetached(bytes)) {
    throw new BusError(`${type.$type} is decoded from a Uint8Array`, { reason: 'TERABUS_MESSAGE_UNDECODABLE' });
  }
  const elements = new ElementCount();
  elements.allow(bytes.byteLength);
  return read(type, new Cursor(type.$type, bytes, elements, true));
}

/** Decodes a part of something larger, with which it shares a count, to be looked at and not kept. */
export function readNested(type: MessageType, bytes: Uint8Array, elements: ElementCount): Message {
  return read(type, new Cursor(type.$type, bytes, elements, false));
}

function read<T extends Message>(type: MessageType<T>, cursor: Cursor): T {
  const message = type.create();
  readInto(message as unknown as Draft, type, cursor, cursor.length, 0);
  return message;
}

/** Whether the buffer was transferred elsewhere: it has no bytes left, which would read as a message of defaults. */
function isDetached({ buffer, byteLength }: Uint8Array): boolean {
  if (byteLength > 0) return false;
  try {
    return new DataView(buffer).byteLength < 0;
  } catch {
    return true;
  }
}

function readInto(draft: Draft, type: MessageType, cursor: Cursor, end: number, depth: number): void {
  if (depth > maxDepth) cursor.fail(`messages nested over ${maxDepth} levels`);
  const fields = fieldTable(type);
  while (cursor.at < end) {
    const tag = cursor.tag(end);
    if (tag >>> 3 === 0) cursor.fail('field number 0');
    const field = fields.get(tag >>> 3);
    const wireType = tag & 7;
    // A known number with an unexpected wire type is an unknown field, in Python too.
    if (field === undefined || !readField(draft, field, wireType, cursor, end, depth)) {
      skipField(cursor, tag, end, depth);
    }
  }
}

function readField(draft: Draft, field: Field, wireType: number, cursor: Cursor, end: number, depth: number): boolean {
  const expected = wireTypes[field.kind];
  if (wireType !== expected) {
    const packed = field.repeated && wireType === WireType.bytes && expected !== WireType.bytes;
    if (packed) readPacked(draft[field.jsonName] as unknown[], field, cursor, end);
    return packed ?? false;
  }
  cursor.path.push(field.jsonName);
  if (field.repeated) {
    (draft[field.jsonName] as unknown[]).push(readElement(field, cursor, end, depth));
  } else {
    const value =
      field.kind === 'message'
        ? readChild(present(draft, field), field.message(), cursor, end, depth)
        : readScalar(field.kind, cursor, end);
    if (field.oneof === undefined) draft[field.jsonName] = value;
    else draft[field.oneof] = { $case: field.jsonName, value };
  }
  cursor.path.pop();
  return true;
}

function readElement(field: Field, cursor: Cursor, end: number, depth: number): unknown {
  if (field.kind === 'message') return readChild(undefined, field.message(), cursor, end, depth);
  cursor.spend(1);
  return readScalar(field.kind, cursor, end);
}

/** The message that an earlier occurrence of a singular field left: later ones are merged into it. */
function present(draft: Draft, field: Field): Draft | undefined {
  if (field.oneof === undefined) return draft[field.jsonName] as Draft | undefined;
  const member = draft[field.oneof] as { $case: string; value: Draft } | undefined;
  return member?.$case === field.jsonName ? member.value : undefined;
}

function readChild(into: Draft | undefined, type: MessageType, cursor: Cursor, end: number, depth: number): Draft {
  const childEnd = cursor.lengthEnd(end);
  if (into === undefined) cursor.spend(1);
  const child = into ?? (type.create() as unknown as Draft);
  readInto(child, type, cursor, childEnd, depth + 1);
  return child;
}

function readPacked(values: unknown[], field: Field, cursor: Cursor, end: number): void {
  cursor.path.push(field.jsonName);
  const to = cursor.lengthEnd(end);
  const kind = field.kind as ScalarKind | 'enum';
  while (cursor.at < to) {
    // Fixed-width numbers are as large in the input as in memory; only varints can grow out of proportion.
    if (wireTypes[kind] === WireType.varint) cursor.spend(1);
    values.push(readScalar(kind, cursor, to));
  }
  cursor.path.pop();
}

function readScalar(kind: ScalarKind | 'enum', cursor: Cursor, end: number): unknown {
  switch (kind) {
    case 'string':
      return cursor.string(end);
    case 'enum':
    case 'int32':
      return cursor.int32(end);
    case 'uint32':
      return cursor.int32(end) >>> 0;
    case 'double':
      return cursor.double(end);
    case 'bytes':
      return cursor.bytes(end);
    case 'bool':
      return cursor.bool(end);
    case 'uint64':
      return cursor.uint64(end);
    case 'int64':
      return BigInt.asIntN(64, cursor.uint64(end));
    case 'sint32':
      return unZigZag32(cursor.int32(end));
    case 'sint64':
      return unZigZag64(cursor.uint64(end));
    case 'float':
      return cursor.float(end);
    case 'fixed32':
      return cursor.fixed32(end);
    case 'sfixed32':
      return cursor.sfixed32(end);
    case 'fixed64':
      return cursor.fixed64(end);
    case 'sfixed64':
      return cursor.sfixed64(end);
  }
}

function unZigZag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function unZigZag64(value: bigint): bigint {
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}

const wireTypes: Readonly<Record<Field['kind'], number>> = {
  double: WireType.fixed64,
  fixed64: WireType.fixed64,
  sfixed64: WireType.fixed64,
  float: WireType.fixed32,
  fixed32: WireType.fixed32,
  sfixed32: WireType.fixed32,
  string: WireType.bytes,
  bytes: WireType.bytes,
  message: WireType.bytes,
  bool: WireType.varint,
  enum: WireType.varint,
  int32: WireType.varint,
  uint32: WireType.varint,
  sint32: WireType.varint,
  int64: WireType.varint,
  uint64: WireType.varint,
  sint64: WireType.varint,
};

function fieldTable(type: MessageType): Map<number, Field> {
  let fields = fieldsByNumber.get(type);
  if (fields === undefined) {
    fields = new Map(type.fields.map((field) => [field.number, field]));
    fieldsByNumber.set(type, fields);
  }
  return fields;
}
