import type { BinaryWriter } from '@bufbuild/protobuf/wire';
import { shielded } from '../errors/shielded.js';
import { checkPartial } from '../wire/check-partial.js';
import { addEncoder } from '../wire/encoder.js';
import { addMake, type Plan, planOf } from '../wire/plan.js';
import { readMessage } from '../wire/read-message.js';
import { checkShape } from './check-shape.js';
import type { Field } from './field.js';
import type { DeepPartial, Message, MessageType } from './message-type.js';

export type { EnumTable, Field } from './field.js';
export type { MessageType } from './message-type.js';

/** What `defineType` needs of the code that ts-proto generates for a message. */
export interface Codec<T extends Message> {
  readonly $type: T['$type'];
  encode(message: T, writer?: BinaryWriter): BinaryWriter;
  decode(bytes: Uint8Array): T;
  // biome-ignore lint/suspicious/noExplicitAny: ts-proto infers its parameter; `create` of MessageType is the typed one
  fromPartial(partial: any): T;
}

/** Names that a row of T's field table may have: its properties, and the members of its oneofs. */
type Member<T> = T extends { $case: infer C extends string } ? C : never;
type PropertyOf<T> = Exclude<keyof T & string, '$type'> | { [K in keyof T]-?: Member<T[K]> }[keyof T];

/**
 * Joins what ts-proto generated for a message with its field table, and with what makes a message of the values of its
 * properties: a literal in generated code gives all messages of a type one hidden class, and costs a tenth of filling
 * them by name. Only generated code calls it.
 * @throws BusError TERABUS_TYPE_SHAPE if the code was generated with other options than protoc-gen-terabus': 64-bit
 * integers that are not bigint, flattened oneofs, no `$type`, bytes that are not Uint8Array.
 */
export function defineType<T extends Message>(
  codec: Codec<T>,
  fields: readonly Field<PropertyOf<T>>[],
  // biome-ignore lint/suspicious/noExplicitAny: the values are of the properties' types, in their order
  make?: (values: readonly any[]) => T,
): MessageType<T> {
  checkShape(codec, fields, make);
  let plan: Plan | undefined;
  const type: MessageType<T> = {
    $type: codec.$type,
    fields: Object.freeze(fields),
    create(partial?: DeepPartial<T>): T {
      if (partial === undefined || partial === null) return codec.fromPartial({});
      return shielded(type.$type, 'TERABUS_MESSAGE_INVALID', () => {
        checkPartial(type, partial);
        return codec.fromPartial(partial);
      });
    },
    encode(message: T): Uint8Array {
      return encoder.encode(message);
    },
    decode(bytes: Uint8Array): T {
      plan ??= planOf(type as unknown as MessageType);
      return readMessage(plan, bytes, true) as T;
    },
  };
  const encoder = addEncoder(type, codec);
  if (make !== undefined) addMake(type, make);
  return Object.freeze(type);
}
