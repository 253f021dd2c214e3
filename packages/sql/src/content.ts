import type { Topic } from '@terabus/core';
import { printable } from '@terabus/core/transport';
import {
  type Any,
  anyTypeName,
  BusError,
  decodeTeraEvent,
  encodeTeraEvent,
  type Message,
  type MessageType,
  packAny,
  unpackAny,
} from '@terabus/messages';

/**
 * The messages of a topic as bytes for the table, however the topic wraps them: the envelope is made when they are
 * sent, with the time and the number of then. They are read once, so that what nobody could read is refused here.
 *
 * @throws BusError `TERABUS_TYPE_NOT_CARRIED`, `TERABUS_MESSAGE_INVALID`, and what the type's own checks throw
 */
export function encodeContent(topic: Topic, messages: readonly unknown[], nowMs: number): Uint8Array {
  const { wrapper } = topic.definition;
  if (wrapper === 'text') {
    const [text] = messages;
    if (typeof text !== 'string' || !text.isWellFormed()) throw notCarried(topic, 'text', text);
    return Buffer.from(text);
  }
  if (wrapper === 'bytes') {
    const [bytes] = messages;
    if (!(bytes instanceof Uint8Array)) throw notCarried(topic, 'bytes', bytes);
    return bytes;
  }
  const events = messages.map((message) => pack(topic, message));
  return encodeTeraEvent({ topic: topic.name, time: nowMs / 1_000, events });
}

/**
 * What {@link encodeContent} encoded.
 *
 * @throws BusError `TERABUS_TYPE_NOT_CARRIED` for a type that this version of the topic does not carry;
 * `TERABUS_CONTRACT_MISMATCH` where this version of a type does not know all that was stored, and would lose it
 */
export function decodeContent(topic: Topic, content: Uint8Array): readonly unknown[] {
  const { wrapper } = topic.definition;
  if (wrapper === 'text') return [Buffer.from(content).toString()];
  if (wrapper === 'bytes') return [content];
  return decodeTeraEvent(content).events.map((any) => unpack(topic, any));
}

function pack(topic: Topic, message: unknown): Any {
  const name = (message as Message | null | undefined)?.$type;
  const type = topic.definition.types.get(name as string);
  if (type === undefined) throw notCarried(topic, typeNames(topic), name ?? message);
  const any = packAny(type, message as Message);
  if (isWhole(type, unpackAny(type, any), any)) return any;
  throw new BusError(`a ${name} for '${topic.name}' is not the same when it is read again`, {
    reason: 'TERABUS_MESSAGE_INVALID',
  });
}

function unpack(topic: Topic, any: Any): Message {
  const name = anyTypeName(any);
  const type: MessageType | undefined = topic.definition.types.get(name);
  if (type === undefined) throw notCarried(topic, typeNames(topic), name);
  const message = unpackAny(type, any);
  if (isWhole(type, message, any)) return message;
  throw new BusError(
    `what is stored for '${topic.name}' has fields of ${name} that this version of the service does not know`,
    { reason: 'TERABUS_CONTRACT_MISMATCH' },
  );
}

const isWhole = (type: MessageType, message: Message, { value }: Any): boolean =>
  Buffer.compare(type.encode(message), value) === 0;

const typeNames = (topic: Topic): string => [...topic.definition.types.keys()].join(', ');

const notCarried = (topic: Topic, carried: string, got: unknown) =>
  new BusError(`'${topic.name}' carries ${carried}, not ${printable(got)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
