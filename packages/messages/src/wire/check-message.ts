import { BusError } from '../errors/bus-error.js';
import type { Field, ScalarKind } from '../types/field.js';
import { layoutOf } from '../types/layout.js';
import type { Message, MessageType } from '../types/message-type.js';
import { maxDepth } from './limits.js';
import { show } from './show.js';
import { isWellFormed } from './text.js';

/**
 * Refuses what bytes can't carry, before anything is encoded: ts-proto's encoders write lone surrogates as U+FFFD
 * and `undefined` as text, and say nothing.
 * @throws BusError TERABUS_MESSAGE_INVALID with type, field and what is wrong.
 */
export function checkMessage(type: MessageType, message: Message): void {
  const fault = faultOf(type, message, 0);
  if (fault === undefined) return;
  throw new BusError(`${type.$type}${fault.path}: ${fault.what}`, {
    reason: 'TERABUS_MESSAGE_INVALID',
    details: { type: type.$type },
  });
}

/** What is wrong, and where: the path grows on the way out, so that messages that are right pay nothing for it. */
export interface Fault {
  readonly path: string;
  readonly what: string;
}

function faultOf(type: MessageType, message: unknown, depth: number): Fault | undefined {
  if (depth > maxDepth) return { path: '', what: `messages nested over ${maxDepth} levels` };
  if (typeof message !== 'object' || message === null)
    return { path: '', what: `must be a message, is ${show(message)}` };
  const properties = message as Readonly<Record<string, unknown>> & { readonly $type?: unknown };
  if (properties.$type !== type.$type) {
    const short = type.$type.slice(type.$type.lastIndexOf('.') + 1);
    return { path: '', what: `must be made with ${short}.create(…): its $type is ${show(properties.$type)}` };
  }
  const { plain, oneofs } = layoutOf(type);
  for (const field of plain) {
    const fault = faultOfField(field, properties[field.jsonName], depth);
    if (fault !== undefined) return { path: `.${field.jsonName}${fault.path}`, what: fault.what };
  }
  for (const { property, members } of oneofs) {
    const fault = faultOfOneof(property, members, properties[property], depth);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A member that the oneof doesn't have would be left out, and a Value without member arrive. */
function faultOfOneof(
  property: string,
  members: ReadonlyMap<unknown, Field>,
  member: unknown,
  depth: number,
): Fault | undefined {
  if (member === undefined) return undefined;
  if (typeof member !== 'object' || member === null)
    return { path: `.${property}`, what: `must be in { $case, value }` };
  const { $case, value } = member as { $case?: unknown; value?: unknown };
  const field = members.get($case);
  if (field === undefined) return { path: `.${property}`, what: `has no member ${show($case)}` };
  const fault = faultOfValue(field, value, depth);
  return fault && { path: `.${field.jsonName}${fault.path}`, what: fault.what };
}

function faultOfField(field: Field, value: unknown, depth: number): Fault | undefined {
  if (field.repeated) {
    if (!Array.isArray(value)) return { path: '', what: `must be an array, is ${show(value)}` };
    for (let index = 0; index < value.length; index++) {
      const fault = faultOfValue(field, value[index], depth);
      if (fault !== undefined) return { path: `[${index}]${fault.path}`, what: fault.what };
    }
    return undefined;
  }
  if (value === undefined && (field.optional || field.kind === 'message')) return undefined;
  return faultOfValue(field, value, depth);
}

function faultOfValue(field: Field, value: unknown, depth: number): Fault | undefined {
  if (field.kind === 'message') return faultOf(field.message(), value, depth + 1);
  const wanted = unlessFits(field.kind, value);
  return wanted === undefined ? undefined : { path: '', what: `must be ${wanted}, is ${show(value)}` };
}

/** Whether a value is of that kind and in its range. */
export const fitsKind = (kind: ScalarKind | 'enum', value: unknown): boolean => unlessFits(kind, value) === undefined;

/** What a value of that kind must be, if this one isn't. */
function unlessFits(kind: ScalarKind | 'enum', value: unknown): string | undefined {
  switch (kind) {
    case 'string':
      if (typeof value !== 'string') return 'a string';
      return isWellFormed(value) ? undefined : 'text without lone surrogates';
    case 'bytes':
      return value instanceof Uint8Array ? undefined : 'a Uint8Array';
    case 'bool':
      return typeof value === 'boolean' ? undefined : 'a boolean';
    case 'double':
      return typeof value === 'number' ? undefined : 'a number';
    case 'float':
      if (typeof value !== 'number') return 'a number';
      return Number.isFinite(value) && !Number.isFinite(Math.fround(value)) ? 'in the range of a float' : undefined;
    case 'uint32':
    case 'fixed32':
      return isInteger(value, 0, 0xffff_ffff) ? undefined : 'an integer from 0 to 2^32-1';
    case 'enum':
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return isInteger(value, -0x8000_0000, 0x7fff_ffff) ? undefined : 'an integer from -2^31 to 2^31-1';
    case 'uint64':
    case 'fixed64':
      return typeof value === 'bigint' && BigInt.asUintN(64, value) === value ? undefined : 'a bigint from 0 to 2^64-1';
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
        ? undefined
        : 'a bigint from -2^63 to 2^63-1';
  }
}

function isInteger(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
