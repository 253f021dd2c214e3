import { BusError } from '../errors/bus-error.js';
import type { Field } from '../types/field.js';
import type { Message, MessageType } from '../types/message-type.js';
import { Cursor } from './cursor.js';
import { type ElementCount, maxDepth } from './limits.js';
import { isVarint, type Plan, planOf, type Row } from './plan.js';
import { skipField } from './skip-field.js';

/** The values of a message's properties while it is being read. */
type Values = unknown[];

/** A message that was made, while more is merged into it. */
type Draft = Record<string, unknown>;
const noValues: Values = [];

/** The cursor, while nobody reads: a type that was not generated may decode another one while it makes a message. */
let idle: Cursor | undefined;

/**
 * Decodes in one pass, driven by the field table. ts-proto's generated decoders are not used: they end a message at
 * tag 0 or an end-group tag and go on in the outer one, so that bytes inside a header come out as an event, and they
 * replace a message field that occurs twice where Python merges both.
 * @param copies whether bytes in the message are copied; else they point into `bytes`.
 */
export function readMessage(plan: Plan, bytes: Uint8Array, copies: boolean): Message {
  if (!isReadable(bytes)) {
    throw new BusError(`${plan.type.$type} is decoded from a Uint8Array`, { reason: 'TERABUS_MESSAGE_UNDECODABLE' });
  }
  const cursor = take();
  try {
    cursor.begin(plan.type.$type, bytes, copies);
    return read(plan, undefined, cursor, cursor.length, 0);
  } finally {
    giveBack(cursor);
  }
}

/**
 * What a function makes of these bytes in one pass, or undefined if they are not as it expects them: `readMessage` has
 * to say then what they are, or what is wrong with them.
 */
export function readInOnePass<T, Hint>(
  pass: (cursor: Cursor, hint: Hint) => T | undefined,
  bytes: Uint8Array,
  copies: boolean,
  hint: Hint,
): T | undefined {
  if (!isReadable(bytes)) return undefined;
  const cursor = take();
  try {
    cursor.begin('', bytes, copies);
    return pass(cursor, hint);
  } catch {
    return undefined;
  } finally {
    giveBack(cursor);
  }
}

/** Decodes a part of something larger, with which it shares a count, to be looked at and not kept. */
export function readNested(type: MessageType, bytes: Uint8Array, elements: ElementCount): Message {
  const cursor = new Cursor();
  cursor.begin(type.$type, bytes, false, elements);
  return read(planOf(type), undefined, cursor, cursor.length, 0);
}

function take(): Cursor {
  const cursor = idle ?? new Cursor();
  idle = undefined;
  return cursor;
}

function giveBack(cursor: Cursor): void {
  cursor.end();
  idle = cursor;
}

/** A view of a type of its own tag: `instanceof` alone takes proxies and objects that inherit from Uint8Array. */
function isReadable(bytes: Uint8Array): boolean {
  return ArrayBuffer.isView(bytes) && bytes instanceof Uint8Array && !isDetached(bytes);
}

/** Whether the buffer was transferred elsewhere: it has no bytes left, which would read as a message of defaults. */
function isDetached(bytes: Uint8Array): boolean {
  if (bytes.byteLength > 0) return false;
  try {
    return new DataView(bytes.buffer).byteLength < 0;
  } catch {
    return true;
  }
}

/** @param earlier the message that an earlier occurrence of a singular field left: later ones are merged into it. */
function read(plan: Plan, earlier: Message | undefined, cursor: Cursor, end: number, depth: number): Message {
  if (depth > maxDepth) cursor.fail(`messages nested over ${maxDepth} levels`);
  const { short } = plan;
  const draft = earlier as unknown as Draft | undefined;
  const values = draft === undefined ? plan.blank.slice() : noValues;
  while (cursor.at < end) {
    const tag = cursor.tag(end);
    const row = tag < 128 ? short[tag] : plan.rows.get(tag);
    if (row === undefined) {
      // A known number with an unexpected wire type is an unknown field, in Python too.
      if (tag >>> 3 === 0) cursor.fail('field number 0');
      skipField(cursor, tag, end, depth);
      continue;
    }
    cursor.path[cursor.deep++] = row.name;
    let value: unknown;
    if (row.kind !== 'message' && !row.repeated) value = scalar(row.kind, cursor, end);
    else {
      const present = draft === undefined ? values[row.slot] : draft[row.property];
      value = row.repeated
        ? readElements(row, present as unknown[] | undefined, cursor, end, depth)
        : readSingle(row, present, cursor, end, depth);
    }
    if (row.oneof) value = { $case: row.name, value };
    if (draft === undefined) values[row.slot] = value;
    else draft[row.property] = value;
    cursor.deep--;
  }
  return earlier ?? finish(plan, values);
}

/** Gives the message its own of what was not read. */
function finish({ own, make }: Plan, values: Values): Message {
  for (let index = 0; index < own.length; index++) {
    const { slot, list } = own[index] as Plan['own'][number];
    if (values[slot] === undefined) values[slot] = list ? [] : new Uint8Array(0);
  }
  return make(values);
}

function readSingle(row: Row, present: unknown, cursor: Cursor, end: number, depth: number): Message {
  if (!row.oneof) return readChild(row, present as Message | undefined, cursor, end, depth);
  const member = present as { readonly $case: string; readonly value: Message } | undefined;
  return readChild(row, member?.$case === row.name ? member.value : undefined, cursor, end, depth);
}

function readChild(row: Row, earlier: Message | undefined, cursor: Cursor, end: number, depth: number): Message {
  const childEnd = cursor.lengthEnd(end);
  if (earlier === undefined) cursor.spend(1);
  row.plan ??= planOf((row.message as () => MessageType)());
  return read(row.plan, earlier, cursor, childEnd, depth + 1);
}

function readElements(row: Row, list: unknown[] = [], cursor: Cursor, end: number, depth: number): unknown[] {
  const { kind } = row;
  if (kind === 'message') list.push(readChild(row, undefined, cursor, end, depth));
  else if (row.packed) {
    const to = cursor.lengthEnd(end);
    // Fixed-width numbers are as large in the input as in memory; only varints can grow out of proportion.
    const counts = isVarint(kind);
    while (cursor.at < to) {
      if (counts) cursor.spend(1);
      list.push(scalar(kind, cursor, to));
    }
  } else {
    cursor.spend(1);
    list.push(scalar(kind, cursor, end));
  }
  return list;
}

function scalar(kind: Exclude<Field['kind'], 'message'>, cursor: Cursor, end: number): unknown {
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
      return cursor.int64(end);
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
