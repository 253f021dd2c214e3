import type { Source } from '@terabus/core';
import { compilePattern, toSubject } from '@terabus/core/transport';
import type { Any, Message } from '@terabus/messages';
import { anyTypeName, decodeModuleMessage, decodeTeraEvent, unpackAny } from '@terabus/messages';
import type { Wired } from './tap.js';

/** What of all that went on the wire belongs to a topic or pattern, unpacked. */
export function payloadsOf(wire: readonly Wired[], source: Source): unknown[] {
  const matches = compilePattern(source.pattern);
  return wire.filter(({ topic }) => matches(toSubject(topic))).flatMap(({ bytes }) => read(bytes, source));
}

function read(bytes: Uint8Array, { definition }: Source): unknown[] {
  switch (definition.wrapper) {
    case 'event':
      return unpack(decodeTeraEvent(bytes).events, definition);
    case 'module-message':
      return unpack(decodeModuleMessage(bytes).data, definition);
    case 'text':
      return [new TextDecoder().decode(bytes)];
    case 'bytes':
      return [bytes];
  }
}

/** Types that the topic's definition doesn't have were put there by somebody with another one: they are skipped. */
function unpack(contents: readonly Any[], { types }: Source['definition']): Message[] {
  return contents.flatMap((any) => {
    const type = types.get(anyTypeName(any));
    return type === undefined ? [] : [unpackAny(type, any)];
  });
}
