import type { Field } from './field.js';

/** What every message has: the full name of its type, as a literal that the compiler tells types apart by. */
export interface Message {
  readonly $type: string;
}

/** A message with any of its properties left out, at any depth. `$type` is not asked for: the type knows it. */
export type DeepPartial<T> = T extends Uint8Array | string | number | boolean | bigint | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly DeepPartial<U>[]
    : T extends { $case: infer C; value: infer V }
      ? { readonly $case: C; readonly value: DeepPartial<V> }
      : { readonly [K in Exclude<keyof T, '$type'>]?: DeepPartial<T[K]> | undefined };

/**
 * A type of message as a value: `UserEvent` in `UserEvent.create({ userUuid })`. Generated code makes them; whatever
 * needs to know a type (handlers, topics, registries, JSON) is given this object.
 */
export interface MessageType<T extends Message = Message> {
  /** Full name: `opentera.protobuf.UserEvent`. */
  readonly $type: T['$type'];
  /** The field table, in the order of the `.proto` file. */
  readonly fields: readonly Field[];
  /**
   * Makes a message: what is left out has its default (zero, empty; message fields and oneofs are absent).
   * @throws BusError TERABUS_MESSAGE_INVALID, with type and field, for what could only be lost or turned into something
   * else: a message of another type inside, a member that a oneof doesn't have, a number for a 64-bit integer.
   */
  create(partial?: DeepPartial<T>): T;
  /**
   * The message's bytes, the same that Python protobuf makes. Nobody writes to them again; their `buffer` may hold those of
   * other messages too, 8 KB at most, and can't be transferred then.
   * @throws BusError TERABUS_MESSAGE_INVALID, with type and field, for what bytes can't carry: values of a wrong
   * JavaScript type, integers out of range, text with lone surrogates, nesting over 100 levels.
   */
  encode(message: T): Uint8Array;
  /**
   * The message in these bytes. What Python protobuf refuses is refused, what it accepts has the same content.
   * Unknown fields are dropped. Nothing in the message points into `bytes`.
   * @throws BusError TERABUS_MESSAGE_UNDECODABLE, with what is wrong and at which byte; or
   * TERABUS_MESSAGE_OUT_OF_PROPORTION for more than 10,000 elements of less than 32 bytes on average.
   */
  decode(bytes: Uint8Array): T;
}

/** The message that a type makes: `MessageOf<typeof UserEvent>` is `UserEvent`. */
export type MessageOf<Type> = Type extends MessageType<infer T> ? T : never;
