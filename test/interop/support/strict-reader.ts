import type { Field, Message, MessageType } from '@terabus/messages';

/** Why bytes are refused, as the `reason` of a BusError says it. */
export class Refusal extends Error {
  readonly reason: string;

  constructor(reason = 'TERABUS_MESSAGE_UNDECODABLE') {
    super(reason);
    this.reason = reason;
  }
}

/** What may be in the whole message, and what is in it so far. */
interface Budget {
  readonly most: number;
  spent: number;
}

type Properties = Record<string, unknown>;

/**
 * What a decoder makes of these bytes, written to be read: each message is a part of its own, each varint a bigint.
 * @throws Refusal
 */
export function strictlyRead(type: MessageType, bytes: Uint8Array): Message {
  const budget = { most: Math.max(10_000, Math.floor(bytes.length / 32)), spent: 0 };
  return new Part(bytes, budget, 0).into(type, type.create());
}

class Part {
  #at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly budget: Budget,
    private readonly depth: number,
  ) {
    if (depth > 100) throw new Refusal();
  }

  into(type: MessageType, message: Message): Message {
    const properties = message as unknown as Properties;
    while (this.#at < this.bytes.length) {
      const [number, wire] = this.#tag();
      if (number === 0) throw new Refusal();
      const field = type.fields.find((each) => each.number === number);
      const expected = field && wireTypeOf(field.kind);
      if (field !== undefined && wire === expected) this.#field(properties, field);
      else if (field?.repeated && wire === 2) this.#packed(properties[field.jsonName] as unknown[], field);
      else this.#skip(number, wire, this.depth);
    }
    return message;
  }

  #field(properties: Properties, field: Field): void {
    const { jsonName, oneof } = field;
    if (field.repeated) {
      this.#spend();
      const list = properties[jsonName] as unknown[];
      list.push(field.kind === 'message' ? this.#child(field.message(), undefined) : this.#value(field.kind));
      return;
    }
    const member =
      oneof === undefined ? undefined : (properties[oneof] as { $case: string; value: unknown } | undefined);
    const present = oneof === undefined ? properties[jsonName] : member?.$case === jsonName ? member.value : undefined;
    if (field.kind === 'message' && present === undefined) this.#spend();
    const value =
      field.kind === 'message' ? this.#child(field.message(), present as Message | undefined) : this.#value(field.kind);
    properties[oneof ?? jsonName] = oneof === undefined ? value : { $case: jsonName, value };
  }

  #packed(list: unknown[], field: Field): void {
    const part = new Part(this.#chunk(), this.budget, this.depth);
    while (part.#at < part.bytes.length) {
      if (wireTypeOf(field.kind) === 0) this.#spend();
      list.push(part.#value(field.kind));
    }
  }

  #child(type: MessageType, present: Message | undefined): Message {
    return new Part(this.#chunk(), this.budget, this.depth + 1).into(type, present ?? type.create());
  }

  #spend(): void {
    this.budget.spent++;
    if (this.budget.spent > this.budget.most) throw new Refusal('TERABUS_MESSAGE_OUT_OF_PROPORTION');
  }

  #value(kind: Field['kind']): unknown {
    const wire = wireTypeOf(kind);
    if (wire === 0) return varints[kind]?.(this.#varint(10));
    if (wire === 2) return kind === 'bytes' ? this.#chunk().slice() : utf8(this.#chunk());
    const view = new DataView(this.#take(wire === 1 ? 8 : 4).slice().buffer);
    return fixed[kind]?.(view);
  }

  #tag(): [number: number, wire: number] {
    const tag = this.#length();
    return [Math.floor(tag / 8), tag % 8];
  }

  /** What tags and lengths are. */
  #length(): number {
    const value = this.#varint(5);
    if (value >= 2n ** 32n) throw new Refusal();
    return Number(value);
  }

  #varint(most: number): bigint {
    let value = 0n;
    for (let index = 0n; index < most; index++) {
      const [byte = 0] = this.#take(1);
      value |= BigInt(byte & 0x7f) << (7n * index);
      if (byte < 0x80) return value;
    }
    throw new Refusal();
  }

  #chunk(): Uint8Array {
    return this.#take(this.#length());
  }

  #take(size: number): Uint8Array {
    if (size > this.bytes.length - this.#at) throw new Refusal();
    this.#at += size;
    return this.bytes.subarray(this.#at - size, this.#at);
  }

  #skip(number: number, wire: number, depth: number): void {
    if (wire === 0) this.#varint(10);
    else if (wire === 1) this.#take(8);
    else if (wire === 2) this.#chunk();
    else if (wire === 5) this.#take(4);
    else if (wire === 3) this.#group(number, depth + 1);
    else throw new Refusal();
  }

  #group(number: number, depth: number): void {
    if (depth > 100) throw new Refusal();
    for (;;) {
      const [inner, wire] = this.#tag();
      if (wire !== 4) this.#skip(inner, wire, depth);
      else if (inner === number) return;
      else throw new Refusal();
    }
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal();
  }
}

function wireTypeOf(kind: Field['kind']): number {
  if (['string', 'bytes', 'message'].includes(kind)) return 2;
  if (['double', 'fixed64', 'sfixed64'].includes(kind)) return 1;
  return ['float', 'fixed32', 'sfixed32'].includes(kind) ? 5 : 0;
}

const zigzag = (value: bigint): bigint => (value % 2n === 0n ? value / 2n : -(value + 1n) / 2n);
const signed32 = (value: bigint): number => Number(BigInt.asIntN(32, value));

const varints: Partial<Record<Field['kind'], (value: bigint) => unknown>> = {
  bool: (value) => BigInt.asUintN(64, value) !== 0n,
  enum: signed32,
  int32: signed32,
  uint32: (value) => Number(BigInt.asUintN(32, value)),
  sint32: (value) => Number(zigzag(BigInt.asUintN(32, value))),
  int64: (value) => BigInt.asIntN(64, value),
  uint64: (value) => BigInt.asUintN(64, value),
  sint64: (value) => zigzag(BigInt.asUintN(64, value)),
};

const fixed: Partial<Record<Field['kind'], (view: DataView) => unknown>> = {
  double: (view) => view.getFloat64(0, true),
  float: (view) => view.getFloat32(0, true),
  fixed32: (view) => view.getUint32(0, true),
  sfixed32: (view) => view.getInt32(0, true),
  fixed64: (view) => view.getBigUint64(0, true),
  sfixed64: (view) => view.getBigInt64(0, true),
};
