import type { Any, Message, MessageType, Packable } from '@terabus/messages';
import { BusError, encodeModuleMessage, encodeTeraEvent, packAny } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Topic } from '../contract/contract.js';

/**
 * Messages as they go into an envelope, or text or bytes, which have none. What is not tracked is encoded with its envelope,
 * in one pass: it has to be sealed before anybody else's code runs.
 */
export type Packed = readonly (Any | Packable)[] | Uint8Array;

/**
 * What a topic carries, ready for its wrapper.
 *
 * @throws BusError `TERABUS_TYPE_NOT_CARRIED` for anything else
 */
export function pack(topic: Topic, messages: readonly unknown[]): Packed {
  if (!Array.isArray(messages)) {
    throw new BusError(`'${topic.name}' carries a list of messages, which ${show(messages)} is not`, {
      reason: 'TERABUS_TYPE_NOT_CARRIED',
    });
  }
  switch (topic.definition.wrapper) {
    case 'event':
      return sealedAs(topic, messages) ?? packAll(topic, messages);
    case 'module-message':
      return packAll(topic, messages);
    case 'text':
      return utf8.encode(textOf(topic, onlyOf(topic, messages)));
    case 'bytes':
      return bytesOf(topic, onlyOf(topic, messages));
  }
}

/** What an envelope says beside its messages. */
export interface Head {
  readonly source: string;
  /** In seconds since the Unix epoch. */
  readonly time: number;
  readonly seq: number;
}

/** The bytes of what was packed: in the envelope of its topic, if it has one. */
export function seal({ name, definition }: Topic, packed: Packed, { source, time, seq }: Head): Uint8Array {
  if (packed instanceof Uint8Array) return packed;
  if (definition.wrapper === 'event') return encodeTeraEvent({ topic: name, time, events: packed });
  return encodeModuleMessage({ time, seq, source, dest: name, data: packed });
}

const utf8 = new TextEncoder();

/** Each message with the name of its type. */
function packAll(topic: Topic, messages: readonly unknown[]): readonly (Any | Packable)[] {
  const contents = new Array<Any | Packable>(messages.length);
  // One that is missing in the list is a message too, which nothing carries.
  for (let index = 0; index < messages.length; index++) contents[index] = packOne(topic, messages[index]);
  return contents;
}

function packOne(topic: Topic, message: unknown): Any | Packable {
  const type = carriedType(topic, message);
  // What can't be encoded must not cost a number.
  return topic.definition.tracked ? packAny(type, message as Message) : { type, message: message as Message };
}

/** @throws BusError `TERABUS_TYPE_NOT_CARRIED` for what is no message of a type that the topic carries */
export function carriedType({ name, definition: { types } }: Topic, message: unknown): MessageType {
  const type = types.get((message as Message)?.$type);
  if (type !== undefined) return type;
  throw new BusError(
    `'${name}' carries ${[...types.keys()].join(', ')}, not ${show((message as Message)?.$type ?? message)}`,
    { reason: 'TERABUS_TYPE_NOT_CARRIED' },
  );
}

const SEALED = Symbol('@terabus/core/sealed');

/** The envelope of a list that was sealed before it was published. */
interface Sealed {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/**
 * A list of messages whose envelope is sealed already: what became of them since changes nothing. What an interceptor
 * makes of it, or sends elsewhere, is packed as any other list.
 */
export const sealedBefore = (messages: readonly unknown[], sealed: Sealed): readonly unknown[] =>
  Object.defineProperty(messages, SEALED, { value: sealed });

function sealedAs(topic: Topic, messages: readonly unknown[]): Uint8Array | undefined {
  const sealed = (messages as { readonly [SEALED]?: Sealed })[SEALED];
  return sealed?.topic === topic.name ? sealed.bytes : undefined;
}

/** Text and bytes have no envelope that could hold several. */
function onlyOf(topic: Topic, messages: readonly unknown[]): unknown {
  if (messages.length === 1) return messages[0];
  throw new BusError(`'${topic.name}' carries one text or one piece of bytes at a time, not ${messages.length}`, {
    reason: 'TERABUS_TYPE_NOT_CARRIED',
  });
}

function textOf(topic: Topic, value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new BusError(`'${topic.name}' carries text, not ${show(value)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
}

function bytesOf(topic: Topic, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new BusError(`'${topic.name}' carries bytes, not ${show(value)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
}
