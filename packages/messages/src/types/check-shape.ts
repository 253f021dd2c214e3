import { BusError } from '../errors/bus-error.js';
import { type Make, propertiesOf } from '../wire/plan.js';
import type { Codec } from './define-type.js';
import type { Field } from './field.js';
import type { Message } from './message-type.js';

/**
 * Holds generated code against its field table: each scalar is decoded once, and must come out where and how
 * protoc-gen-terabus' options put it. Types alone don't tell, since code may be generated elsewhere and imported.
 * @throws BusError TERABUS_TYPE_SHAPE
 */
export function checkShape<T extends Message>(codec: Codec<T>, fields: readonly Field[], make?: Make<T>): void {
  const name = typeof codec.$type === 'string' ? codec.$type : 'a message type';
  const refuse = (what: string): never => {
    throw new BusError(`${name}: ${what}; generate it with protoc-gen-terabus`, { reason: 'TERABUS_TYPE_SHAPE' });
  };
  const empty = codec.fromPartial({}) as Readonly<Record<string, unknown>> & Message;
  if (typeof codec.$type !== 'string' || empty.$type !== codec.$type) {
    refuse('its messages have no $type (ts-proto: outputTypeAnnotations=true)');
  }
  for (const field of fields) {
    const property = field.oneof ?? field.jsonName;
    if (field.oneof !== undefined && field.jsonName in empty) {
      refuse(`the oneof ${field.oneof} is flattened (ts-proto: oneof=unions-value)`);
    }
    if (property in Object.prototype || !(property in empty)) refuse(`it has no property ${property}`);
    if (Array.isArray(empty[property]) !== (field.repeated === true))
      refuse(`${property} is an array in one place only`);
    const sample = samples[field.kind];
    if (sample === undefined) continue;
    const value = sampledValue(field, codec.decode(Uint8Array.of(...tagOf(field, sample.wireType), ...sample.bytes)));
    if (!sample.fits(value)) refuse(`${property} ${sample.otherwise}`);
  }
  if (make !== undefined && !makesLike(empty, fields, make)) refuse('it is made with other properties');
}

/** Whether what makes messages has the same properties in the same order, each with the value of its place. */
function makesLike<T extends Message>(empty: Message, fields: readonly Field[], make: Make<T>): boolean {
  const properties = propertiesOf(fields);
  const places = properties.map((_, place) => place);
  const made = { ...make(places) } as Readonly<Record<string, unknown>> & Message;
  const names = Object.keys(made);
  return (
    made.$type === empty.$type &&
    Object.keys(empty).every((name, index) => name === names[index]) &&
    names.length === properties.length + 1 &&
    properties.every((property, place) => made[property] === place)
  );
}

interface Sample {
  readonly wireType: number;
  readonly bytes: readonly number[];
  readonly fits: (value: unknown) => boolean;
  readonly otherwise: string;
}

const isBigint = (value: unknown): boolean => typeof value === 'bigint';
const not64 = 'is a 64-bit integer and not a bigint (ts-proto: forceLong=bigint)';
const varint: Sample = { wireType: 0, bytes: [1], fits: isBigint, otherwise: not64 };
const fixed: Sample = { wireType: 1, bytes: [1, 0, 0, 0, 0, 0, 0, 0], fits: isBigint, otherwise: not64 };

/** Kinds whose JavaScript type depends on ts-proto's options. */
const samples: Partial<Record<Field['kind'], Sample>> = {
  int64: varint,
  uint64: varint,
  sint64: varint,
  fixed64: fixed,
  sfixed64: fixed,
  bytes: {
    wireType: 2,
    bytes: [0],
    // A Buffer is one too, and JSON and equality treat it otherwise.
    fits: (value) => Object.getPrototypeOf(value) === Uint8Array.prototype,
    otherwise: 'holds bytes and not a plain Uint8Array (ts-proto: env=both)',
  },
  enum: { wireType: 0, bytes: [0], fits: (value) => value === 0, otherwise: 'is an enum and not a number' },
};

function sampledValue(field: Field, message: Message): unknown {
  const value = (message as unknown as Readonly<Record<string, unknown>>)[field.oneof ?? field.jsonName];
  if (field.repeated) return (value as readonly unknown[])[0];
  return field.oneof === undefined ? value : (value as { value?: unknown } | undefined)?.value;
}

function tagOf(field: Field, wireType: number): number[] {
  const bytes: number[] = [];
  let tag = field.number * 8 + wireType;
  for (; tag > 0x7f; tag = Math.floor(tag / 128)) bytes.push((tag % 128) | 0x80);
  return [...bytes, tag];
}
