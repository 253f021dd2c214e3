import { BusError } from '../errors/bus-error.js';
import { clip } from '../errors/clip.js';
import { Any } from '../gen/google/protobuf/any.js';
import type { Message, MessageType } from './message-type.js';
import { typeUrlPrefix } from './type-url.js';

/** A message with its type, for an envelope: it is packed while the envelope is encoded, without bytes of its own. */
export interface Packable<T extends Message = Message> {
  readonly type: MessageType<T>;
  readonly message: T;
}

/** The Any in a list for an envelope; what is none yet is packed. */
export function packed(item: Any | Packable): Any {
  const { type, message } = item as Partial<Packable>;
  return type === undefined || '$type' in item ? (item as Any) : packAny(type, message as Message);
}

/** Packs a message: its bytes and the name of its type, as `type.googleapis.com/<full name>`. */
export function packAny<T extends Message>(type: MessageType<T>, message: T): Any {
  return { $type: 'google.protobuf.Any', typeUrl: typeUrlPrefix + type.$type, value: type.encode(message) };
}

/**
 * The message in an Any.
 * @throws BusError TERABUS_TYPE_MISMATCH if it holds another type, and what the type's `decode` throws.
 */
export function unpackAny<T extends Message>(type: MessageType<T>, any: Any): T {
  if (!holds(any, type.$type)) {
    const name = anyTypeName(any);
    throw new BusError(`the Any holds ${name === '' ? 'nothing' : clip(name)}, not ${type.$type}`, {
      reason: 'TERABUS_TYPE_MISMATCH',
    });
  }
  return type.decode(any.value);
}

/** Whether the last part of the URL is this name: what `anyTypeName` tells, without a text of its own. */
function holds(any: Any, name: string): boolean {
  const typeUrl: unknown = (any as Partial<Any> | null | undefined)?.typeUrl;
  if (typeUrl === heldUrl && name === heldName) return true;
  if (typeof typeUrl !== 'string' || !typeUrl.endsWith(name)) return false;
  const before = typeUrl.length - name.length - 1;
  if (before >= 0 && typeUrl.charCodeAt(before) !== slash) return false;
  heldUrl = typeUrl;
  heldName = name;
  return true;
}

/** What was right last: of many messages in a row it is the same. */
let heldUrl: string | undefined;
let heldName = '';

const slash = 47;

/**
 * Full name of the type in an Any: what follows the last `/` of its URL, as in Python (contract 1).
 * @throws BusError TERABUS_MESSAGE_INVALID if it is no Any.
 */
export function anyTypeName(any: Pick<Any, 'typeUrl'>): string {
  const typeUrl: unknown = (any as Partial<Any> | null | undefined)?.typeUrl;
  if (typeof typeUrl === 'string') return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  throw new BusError('what has no typeUrl is no google.protobuf.Any', { reason: 'TERABUS_MESSAGE_INVALID' });
}

export { Any, typeUrlPrefix };
