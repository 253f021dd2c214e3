import { BusError } from '../errors/bus-error.js';
import { clip } from '../errors/clip.js';
import { shielded } from '../errors/shielded.js';
import type { Any } from '../types/any.js';
import { anyTypeName } from '../types/any.js';
import type { Field } from '../types/field.js';
import type { Message, MessageType } from '../types/message-type.js';
import { standardTypes } from '../types/standard-types.js';
import type { TypeRegistry } from '../types/type-registry.js';
import { checkMessage } from '../wire/check-message.js';
import { ElementCount, maxDepth } from '../wire/limits.js';
import { readNested } from '../wire/read-message.js';
import type { JsonObject, JsonValue } from './json-value.js';
import { scalarToJson } from './scalar-to-json.js';

/** How `toJson` prints. */
export interface ToJsonOptions {
  /**
   * Whether fields that hold their default are printed. Defaults to `'omit'`, which is shorter. `'print'` is what
   * OpenTera sends to its WebSocket clients (contract 5.5, WS-4): fields without presence are printed always,
   * absent messages and oneofs never.
   */
  readonly defaults?: 'omit' | 'print' | undefined;
  /** Where the message's type and the types in its Anys are found. Defaults to OpenTera's own. */
  readonly registry?: TypeRegistry | undefined;
}

/**
 * A message as JSON, equal to what Python's json_format makes: lowerCamelCase names, enums by name, 64-bit integers
 * as strings, bytes as base64, the content of an Any beside its `@type`. (`JSON.stringify` then writes −0 as 0.)
 * @throws BusError TERABUS_TYPE_UNKNOWN for a type that the registry doesn't have; TERABUS_MESSAGE_INVALID for a
 * message that could not be encoded, or is nested over 100 levels, Anys included; what `decode` throws for an Any
 * whose bytes are not a message of its type. TERABUS_MESSAGE_OUT_OF_PROPORTION counts the content of all Anys
 * together.
 */
export function toJson(
  message: Message,
  { defaults = 'omit', registry = standardTypes }: ToJsonOptions = {},
): JsonObject {
  const printer = new Printer(defaults === 'print', registry);
  return shielded('the message', 'TERABUS_MESSAGE_INVALID', () => {
    const type = printer.typeOf((message as Message | null | undefined)?.$type);
    checkMessage(type, message);
    return printer.message(type, message, 0);
  });
}

type Properties = Readonly<Record<string, unknown>>;

class Printer {
  /** One allowance for all that Anys hold: small pieces together must not cost more than one large one. */
  readonly #elements = new ElementCount();
  /** How many Anys are around. */
  #anys = 0;

  constructor(
    private readonly printDefaults: boolean,
    private readonly registry: TypeRegistry,
  ) {}

  typeOf(name: unknown): MessageType {
    if (typeof name !== 'string') {
      throw new BusError('what has no $type is no message', { reason: 'TERABUS_MESSAGE_INVALID' });
    }
    const type = this.registry.get(name);
    if (type !== undefined) return type;
    throw new BusError(`no message type is called ${JSON.stringify(clip(name))} here, so that it can't become JSON`, {
      reason: 'TERABUS_TYPE_UNKNOWN',
      details: { type: clip(name) },
    });
  }

  message(type: MessageType, message: Message, depth: number): JsonObject {
    if (depth > maxDepth) {
      throw new BusError(`${type.$type}: messages nested over ${maxDepth} levels have no JSON`, {
        reason: 'TERABUS_MESSAGE_INVALID',
      });
    }
    return type.$type === 'google.protobuf.Any'
      ? this.#any(message as Any, depth)
      : this.#fields({}, type, message, depth);
  }

  /** An Any in an Any has its JSON under `value`, since both would have an `@type`. */
  #any(any: Any, depth: number): JsonObject {
    if (any.typeUrl === '' && any.value.length === 0) return {};
    const type = this.typeOf(anyTypeName(any));
    // What an inner Any weighs is part of the outer one.
    if (this.#anys === 0) this.#elements.allow(any.value.length);
    this.#anys++;
    const content = readNested(type, any.value, this.#elements);
    const json = { '@type': any.typeUrl };
    const result =
      type.$type === 'google.protobuf.Any'
        ? { ...json, value: this.message(type, content, depth + 1) }
        : this.#fields(json, type, content, depth);
    this.#anys--;
    return result;
  }

  #fields(json: Record<string, JsonValue>, type: MessageType, message: Message, depth: number): JsonObject {
    for (const field of type.fields) {
      const value = this.#field(field, message as unknown as Properties, depth);
      if (value !== undefined) json[field.jsonName] = value;
    }
    return json;
  }

  /** The field's JSON, or undefined if it is not to be printed. */
  #field(field: Field, message: Properties, depth: number): JsonValue | undefined {
    if (field.oneof !== undefined) {
      const member = message[field.oneof] as { $case: string; value: unknown } | undefined;
      return member?.$case === field.jsonName ? this.#value(field, member.value, depth) : undefined;
    }
    const value = message[field.jsonName];
    if (value === undefined) return undefined;
    if (field.repeated) {
      const elements = value as readonly unknown[];
      if (elements.length === 0 && !this.printDefaults) return undefined;
      return elements.map((element) => this.#value(field, element, depth));
    }
    const hasPresence = field.optional || field.kind === 'message';
    return hasPresence || this.printDefaults || !isDefault(value) ? this.#value(field, value, depth) : undefined;
  }

  #value(field: Field, value: unknown, depth: number): JsonValue {
    return field.kind === 'message'
      ? this.message(field.message(), value as Message, depth + 1)
      : scalarToJson(field, value);
  }
}

/** −0 is no default: Python sends and prints it. */
function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === '' || value === false || value === 0n || Object.is(value, 0);
}
