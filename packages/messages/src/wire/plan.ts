import type { Field } from '../types/field.js';
import type { Message, MessageType } from '../types/message-type.js';
import { WireType } from './cursor.js';

/** Makes a message of the values of its properties, in their order. */
export type Make<T extends Message = Message> = (values: readonly unknown[]) => T;

/** What decoding needs to know of a type, prepared. */
export interface Plan {
  readonly type: MessageType;
  readonly make: Make;
  /** The message's properties beside `$type`, in their order; what stands for them in arrays of values is their slot. */
  readonly properties: readonly string[];
  /** What the properties are when nothing was read; undefined for what each message has its own of. */
  readonly blank: readonly unknown[];
  /** Slots of lists and bytes. */
  readonly own: readonly { readonly slot: number; readonly list: boolean }[];
  /** Rows by tag. */
  readonly rows: ReadonlyMap<number, Row>;
  /** Those with tags of one byte. */
  readonly short: readonly (Row | undefined)[];
}

/** What to do with a field that has this tag. */
export interface Row {
  readonly kind: Field['kind'];
  readonly name: string;
  readonly property: string;
  readonly slot: number;
  readonly repeated: boolean;
  /** Whether many values stand here in a row, behind their length. */
  readonly packed: boolean;
  readonly oneof: boolean;
  /** Made when the field is first read: types may hold each other. */
  plan: Plan | undefined;
  readonly message: (() => MessageType) | undefined;
}

const plans = new WeakMap<MessageType, Plan>();
const makers = new WeakMap<MessageType, Make>();

/** Tells how messages of a type are made. Of one that nobody told about, they are created and then filled. */
export function addMake<T extends Message>(type: MessageType<T>, make: Make<T>): void {
  makers.set(type as unknown as MessageType, make);
}

/** The plan for a type, made when it is first decoded: its field table may name types that load later. */
export function planOf(type: MessageType): Plan {
  let plan = plans.get(type);
  if (plan === undefined) {
    plan = makePlan(type);
    plans.set(type, plan);
  }
  return plan;
}

/** Where each field's value goes: members of a oneof share a property, which stands where its first member does. */
export function propertiesOf(fields: readonly Field[]): string[] {
  return [...new Set(fields.map(propertyOf))];
}

const propertyOf = ({ oneof, jsonName }: Field): string => oneof ?? jsonName;

function makePlan(type: MessageType): Plan {
  const properties = propertiesOf(type.fields);
  const blank: unknown[] = properties.map(() => undefined);
  const own: { slot: number; list: boolean }[] = [];
  const rows = new Map<number, Row>();
  for (const field of type.fields) {
    const slot = properties.indexOf(propertyOf(field));
    if (field.repeated) own.push({ slot, list: true });
    else if (field.oneof === undefined && !field.optional) {
      if (field.kind === 'bytes') own.push({ slot, list: false });
      else blank[slot] = zeros[field.kind];
    }
    const expected = wireTypes[field.kind];
    rows.set(field.number * 8 + expected, rowOf(field, slot, false));
    if (field.repeated && expected !== WireType.bytes) {
      rows.set(field.number * 8 + WireType.bytes, rowOf(field, slot, true));
    }
  }
  const short = Array.from({ length: 128 }, (_, tag) => rows.get(tag));
  return { type, make: makers.get(type) ?? fill(type, properties), properties, blank, own, rows, short };
}

function rowOf(field: Field, slot: number, packed: boolean): Row {
  return {
    kind: field.kind,
    name: field.jsonName,
    property: propertyOf(field),
    slot,
    repeated: field.repeated === true,
    packed,
    oneof: field.oneof !== undefined,
    plan: undefined,
    message: field.kind === 'message' ? field.message : undefined,
  };
}

const fill =
  (type: MessageType, properties: readonly string[]): Make =>
  (values) =>
    Object.assign(type.create(), Object.fromEntries(properties.map((property, slot) => [property, values[slot]])));

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

/** What a property without presence is when its field was not read. */
const zeros: Partial<Record<Field['kind'], unknown>> = {
  double: 0,
  float: 0,
  int32: 0,
  uint32: 0,
  sint32: 0,
  fixed32: 0,
  sfixed32: 0,
  enum: 0,
  int64: 0n,
  uint64: 0n,
  sint64: 0n,
  fixed64: 0n,
  sfixed64: 0n,
  bool: false,
  string: '',
};

/** Whether values of this kind take a byte or more on the wire, and not always four or eight. */
export const isVarint = (kind: Field['kind']): boolean => wireTypes[kind] === WireType.varint;
