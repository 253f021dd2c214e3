import type { Message, MessageOf, MessageType } from './message-type.js';

/**
 * Several message types that one handler takes: the handler's parameter is their union, which a `switch` over
 * `$type` narrows.
 */
export interface MessageFamily<T extends Message = Message> {
  /** Name of the family, for people: it is not on the wire. */
  readonly $family: string;
  /** The types of the family, in the order given. */
  readonly members: readonly MessageType<T>[];
}

/**
 * Names several message types as one.
 *
 * ```ts
 * export const Presence = defineFamily('Presence', [UserEvent, ParticipantEvent, DeviceEvent]);
 * export type Presence = MessageOfFamily<typeof Presence>;
 * ```
 */
export function defineFamily<const Types extends readonly MessageType[]>(
  name: string,
  members: Types,
): MessageFamily<MessageOf<Types[number]>> {
  // A family is read as a whole: each member reads and writes its own part of the union.
  const types = [...new Set(members)] as unknown as readonly MessageType<MessageOf<Types[number]>>[];
  return Object.freeze({ $family: name, members: Object.freeze(types) });
}

/** The union of a family's messages. */
export type MessageOfFamily<Family> = Family extends MessageFamily<infer T> ? T : never;
