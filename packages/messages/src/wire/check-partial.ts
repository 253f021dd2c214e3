import { BusError } from '../errors/bus-error.js';
import type { Field } from '../types/field.js';
import { type Layout, layoutOf } from '../types/layout.js';
import type { MessageType } from '../types/message-type.js';
import type { Fault } from './check-message.js';
import { maxDepth } from './limits.js';
import { show } from './show.js';

/**
 * Refuses what ts-proto would turn into something else without a word when it makes a message: a message of another
 * type, a text where a message belongs, a oneof's unknown member, `true` for a 64-bit integer. What it takes as it
 * is, `encode` judges.
 * @throws BusError TERABUS_MESSAGE_INVALID with type, field and what is wrong.
 */
export function checkPartial(type: MessageType, partial: unknown): void {
  const fault = faultOf(type, partial, 0);
  if (fault === undefined) return;
  throw new BusError(`${type.$type}${fault.path}: ${fault.what}`, {
    reason: 'TERABUS_MESSAGE_INVALID',
    details: { type: type.$type },
  });
}

/** A type's fields that ts-proto converts; most of OpenTera's events have none, and cost nothing. */
const converted = new WeakMap<MessageType, Layout>();

function convertedOf(type: MessageType): Layout {
  let layout = converted.get(type);
  if (layout === undefined) {
    const { plain, oneofs } = layoutOf(type);
    layout = { plain: plain.filter((field) => field.repeated || field.kind === 'message' || is64(field)), oneofs };
    converted.set(type, layout);
  }
  return layout;
}

function is64(field: Field): boolean {
  return field.kind.endsWith('64');
}

function faultOf(type: MessageType, partial: unknown, depth: number): Fault | undefined {
  if (depth > maxDepth) return { path: '', what: `messages nested over ${maxDepth} levels` };
  if (typeof partial !== 'object' || partial === null || Array.isArray(partial)) {
    return { path: '', what: `must be an object, is ${show(partial)}` };
  }
  const properties = partial as Readonly<Record<string, unknown>> & { readonly $type?: unknown };
  if (properties.$type !== undefined && properties.$type !== type.$type) {
    const advice = type.$type === 'google.protobuf.Any' ? '; pack it with packAny' : '';
    return { path: '', what: `must be a ${type.$type}, its $type is ${show(properties.$type)}${advice}` };
  }
  const { plain, oneofs } = convertedOf(type);
  for (const field of plain) {
    const fault = faultOfField(field, properties[field.jsonName], depth);
    if (fault !== undefined) return { path: `.${field.jsonName}${fault.path}`, what: fault.what };
  }
  for (const { property, members } of oneofs) {
    const fault = faultOfOneof(members, properties[property], depth);
    if (fault !== undefined) return { path: `.${property}${fault.path}`, what: fault.what };
  }
  return undefined;
}

function faultOfField(field: Field, value: unknown, depth: number): Fault | undefined {
  if (isLeftOut(value)) return undefined;
  if (!field.repeated) return faultOfValue(field, value, depth);
  if (!Array.isArray(value)) return { path: '', what: `must be an array, is ${show(value)}` };
  for (let index = 0; index < value.length; index++) {
    const fault = faultOfValue(field, value[index], depth);
    if (fault !== undefined) return { path: `[${index}]${fault.path}`, what: fault.what };
  }
  return undefined;
}

function faultOfOneof(members: ReadonlyMap<unknown, Field>, member: unknown, depth: number): Fault | undefined {
  if (isLeftOut(member)) return undefined;
  if (typeof member !== 'object') return { path: '', what: `must be in { $case, value }` };
  const { $case, value } = member as { $case?: unknown; value?: unknown };
  const field = members.get($case);
  if (field === undefined) return { path: '', what: `has no member ${show($case)}` };
  return isLeftOut(value) ? { path: '', what: `has no value` } : faultOfValue(field, value, depth);
}

function faultOfValue(field: Field, value: unknown, depth: number): Fault | undefined {
  if (field.kind === 'message') return faultOf(field.message(), value, depth + 1);
  return is64(field) && typeof value !== 'bigint'
    ? { path: '', what: `must be a bigint, is ${show(value)}` }
    : undefined;
}

/** ts-proto takes null for undefined. */
function isLeftOut(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
