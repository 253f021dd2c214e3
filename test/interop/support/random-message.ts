import { Any, type Field, type Message, type MessageType, UserEvent } from '@terabus/messages';
import fc from 'fast-check';

/** A message of this type: a few of its fields, with values from everywhere in their range and beside its borders. */
export function randomMessage(type: MessageType, levels = 3): fc.Arbitrary<Message> {
  if (type.$type === Any.$type) return fc.oneof(packed, ofFields(type, levels));
  return ofFields(type, levels);
}

/** Text, with characters of one to four bytes. */
export const randomText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('\ufeff', '\0', 'é', '🩺', '￿', '11111111-1111-4111-8111-111111111111'),
  fc.tuple(fc.constantFrom('x', 'é', '€', '🩺'), fc.nat(300)).map(([unit, times]) => unit.repeat(times)),
);

const packed: fc.Arbitrary<Message> = fc
  .tuple(fc.constantFrom('', 'type.googleapis.com/', 'a/b/'), randomText)
  .map(([prefix, userUuid]) =>
    Any.create({ typeUrl: prefix + UserEvent.$type, value: UserEvent.encode(UserEvent.create({ userUuid })) }),
  );

function ofFields(type: MessageType, levels: number): fc.Arbitrary<Message> {
  return fc.subarray([...type.fields], { maxLength: Math.min(8, type.fields.length) }).chain((fields) =>
    fc.tuple(...fields.map((field) => contentOf(field, levels))).map((values) => {
      const properties: Record<string, unknown> = { ...type.create() };
      for (const [index, { oneof, jsonName }] of fields.entries()) {
        properties[oneof ?? jsonName] = oneof === undefined ? values[index] : { $case: jsonName, value: values[index] };
      }
      return properties as unknown as Message;
    }),
  );
}

function contentOf(field: Field, levels: number): fc.Arbitrary<unknown> {
  const one = field.kind === 'message' ? child(field.message(), levels) : scalars[field.kind];
  return field.repeated ? fc.array(one, { maxLength: 6 }) : one;
}

function child(type: MessageType, levels: number): fc.Arbitrary<Message> {
  return levels === 0 ? fc.constant(null).map(() => type.create()) : randomMessage(type, levels - 1);
}

const signed32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 127, 128, -(2 ** 31), 2 ** 31 - 1));
const unsigned32 = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 32 - 1));
const signed64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.integer().map(BigInt),
  fc.constantFrom(0n, -1n, 2n ** 28n, 2n ** 56n, -(2n ** 63n), 2n ** 63n - 1n),
);
const unsigned64 = signed64.map((value) => BigInt.asUintN(64, value));

const scalars: Readonly<Record<Exclude<Field['kind'], 'message'>, fc.Arbitrary<unknown>>> = {
  string: randomText,
  bytes: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 60, maxLength: 300 })),
  double: fc.double(),
  float: fc.oneof(fc.float(), fc.double({ min: -1e30, max: 1e30, noNaN: true })),
  bool: fc.boolean(),
  enum: fc.oneof(fc.integer({ min: 0, max: 8 }), signed32),
  int32: signed32,
  sint32: signed32,
  sfixed32: signed32,
  uint32: unsigned32,
  fixed32: unsigned32,
  int64: signed64,
  sint64: signed64,
  sfixed64: signed64,
  uint64: unsigned64,
  fixed64: unsigned64,
};
