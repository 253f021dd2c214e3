import { BusError } from '../errors/bus-error.js';
import { clip } from '../errors/clip.js';
import type { Any } from './any.js';
import { anyTypeName, packAny } from './any.js';
import type { Message, MessageType } from './message-type.js';

/**
 * Message types by their name: what an Any is unpacked with. It never changes; `with` makes a larger one.
 *
 * ```ts
 * const types = standardTypes.with(MyEvent);
 * ```
 */
export class TypeRegistry implements Iterable<MessageType> {
  // A Map, because a type called `constructor` or `__proto__` must be as unknown as any other.
  readonly #types = new Map<string, MessageType>();

  /**
   * @throws BusError TERABUS_TYPE_CONFLICT if two different types have one name; the same type twice is fine.
   * TERABUS_TYPE_SHAPE for what is no MessageType, such as a codec that ts-proto alone generated.
   */
  constructor(types: Iterable<MessageType> = []) {
    for (const type of types) {
      if (!isMessageType(type)) {
        throw new BusError('a registry holds message types, as protoc-gen-terabus generates them in x.ts for x.proto', {
          reason: 'TERABUS_TYPE_SHAPE',
        });
      }
      const known = this.#types.get(type.$type);
      if (known !== undefined && known !== type) {
        throw new BusError(`two different message types are called ${type.$type}`, { reason: 'TERABUS_TYPE_CONFLICT' });
      }
      this.#types.set(type.$type, type);
    }
  }

  /** A registry of these types and those given. */
  with(...types: readonly MessageType[]): TypeRegistry {
    return new TypeRegistry([...this, ...types]);
  }

  /** The type of that full name, if it is here. */
  get(name: string): MessageType | undefined {
    return this.#types.get(name);
  }

  /** Whether a type of that full name is here. */
  has(name: string): boolean {
    return this.#types.has(name);
  }

  /** How many types are here. */
  get size(): number {
    return this.#types.size;
  }

  /** The types, in the order given. */
  [Symbol.iterator](): IterableIterator<MessageType> {
    return this.#types.values();
  }

  /**
   * Packs a message of one of these types.
   * @throws BusError TERABUS_TYPE_UNKNOWN if its type is not here, and what the type's `encode` throws.
   */
  packAny(message: Message): Any {
    return packAny(this.#known((message as Message | null | undefined)?.$type), message);
  }

  /**
   * The message in an Any, whichever of these types it has.
   * @throws BusError TERABUS_TYPE_UNKNOWN if its type is not here, and what the type's `decode` throws.
   */
  unpackAny(any: Any): Message {
    return this.#known(anyTypeName(any)).decode(any.value);
  }

  #known(name: unknown): MessageType {
    if (typeof name !== 'string') {
      throw new BusError('what has no $type is no message', { reason: 'TERABUS_MESSAGE_INVALID' });
    }
    const type = this.#types.get(name);
    if (type !== undefined) return type;
    throw new BusError(`no message type is called ${JSON.stringify(clip(name))} here`, {
      reason: 'TERABUS_TYPE_UNKNOWN',
      details: { type: clip(name) },
    });
  }
}

/** Types come from other packages too, and from JavaScript. */
function isMessageType(type: unknown): type is MessageType {
  if (typeof type !== 'object' || type === null) return false;
  const { $type, fields, create, encode, decode } = type as Partial<MessageType>;
  return typeof $type === 'string' && Array.isArray(fields) && [create, encode, decode].every(isFunction);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
