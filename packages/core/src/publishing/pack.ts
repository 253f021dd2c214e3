import type { Message } from '@terabus/messages';
import { BusError, packAny } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Topic } from '../contract/contract.js';

// What a topic carries, as it goes into its wrapper. All throw a BusError `TERABUS_TYPE_NOT_CARRIED` for anything else.

/** Each message with the name of its type. */
export const packAll = (topic: Topic, messages: readonly unknown[]) =>
  messages.map((message) => {
    const type = topic.definition.types.get((message as Message)?.$type);
    if (type === undefined) {
      throw new BusError(
        `'${topic.name}' carries ${[...topic.definition.types.keys()].join(', ')}, not ${show((message as Message)?.$type ?? message)}`,
        { reason: 'TERABUS_TYPE_NOT_CARRIED' },
      );
    }
    return packAny(type, message as Message);
  });

/** Text and bytes have no envelope that could hold several. */
export function onlyOf(topic: Topic, messages: readonly unknown[]): unknown {
  if (messages.length === 1) return messages[0];
  throw new BusError(`'${topic.name}' carries one text or one piece of bytes at a time, not ${messages.length}`, {
    reason: 'TERABUS_TYPE_NOT_CARRIED',
  });
}

export function textOf(topic: Topic, value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new BusError(`'${topic.name}' carries text, not ${show(value)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
}

export function bytesOf(topic: Topic, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new BusError(`'${topic.name}' carries bytes, not ${show(value)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
}
