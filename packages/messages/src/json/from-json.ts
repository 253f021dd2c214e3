import { BusError } from '../errors/bus-error.js';
import { clip } from '../errors/clip.js';
import { shielded } from '../errors/shielded.js';
import { anyTypeName } from '../types/any.js';
import type { Field } from '../types/field.js';
import type { Message, MessageType } from '../types/message-type.js';
import { standardTypes } from '../types/standard-types.js';
import type { TypeRegistry } from '../types/type-registry.js';
import { maxDepth } from '../wire/limits.js';
import { show } from '../wire/show.js';
import type { JsonObject, JsonValue } from './json-value.js';
import { Mismatch, scalarFromJson } from './scalar-from-json.js';

/** How `fromJson` reads. */
export interface FromJsonOptions {
  /** Where the types in Anys are found. Defaults to OpenTera's own. */
  readonly registry?: TypeRegistry | undefined;
}

/**
 * The message that this JSON, as `JSON.parse` made it, stands for. Fields are known by their lowerCamelCase and by
 * their original names; `null` is a field's default.
 * @throws BusError TERABUS_JSON_INVALID, with the path, for anything that is no JSON of this type: unknown fields,
 * values of another kind or out of range, two members of one oneof, two spellings of one field, nesting over 100
 * levels. TERABUS_TYPE_UNKNOWN for an Any whose type the registry doesn't have.
 */
export function fromJson<T extends Message>(
  type: MessageType<T>,
  json: JsonValue,
  { registry = standardTypes }: FromJsonOptions = {},
): T {
  return shielded(`the JSON of ${type.$type}`, 'TERABUS_JSON_INVALID', () => {
    return new Parser(type.$type, registry).message(type, json, 1) as T;
  });
}

type Draft = Record<string, unknown>;

/** Fields by both of their names. A Map, because JSON may call its keys `__proto__` or `constructor`. */
const fieldsByName = new WeakMap<MessageType, Map<string, Field>>();

class Parser {
  readonly #path: (string | number)[] = [];

  constructor(
    private readonly root: string,
    private readonly registry: TypeRegistry,
  ) {}

  message(type: MessageType, json: JsonValue, depth: number): Message {
    if (depth > maxDepth) this.#refuse(`messages nested over ${maxDepth} levels`);
    if (!isObject(json)) this.#refuse(`must be an object, is ${show(json)}`);
    return type.$type === 'google.protobuf.Any' ? this.#any(type, json, depth) : this.#fields(type, json, depth);
  }

  #any(anyType: MessageType, json: JsonObject, depth: number): Message {
    const { '@type': typeUrl, ...content } = json;
    if (typeUrl === undefined && Object.keys(content).length === 0) return anyType.create();
    if (typeof typeUrl !== 'string') this.#refuse(`must have an "@type"`);
    const name = anyTypeName({ typeUrl });
    const type = this.registry.get(name);
    if (type === undefined) {
      throw new BusError(`${this.#where()}: no message type is called ${JSON.stringify(clip(name))} here`, {
        reason: 'TERABUS_TYPE_UNKNOWN',
        details: { type: clip(name) },
      });
    }
    const message = type === anyType ? this.#innerAny(anyType, content, depth) : this.#fields(type, content, depth);
    return anyType.create({ typeUrl, value: type.encode(message) } as object);
  }

  #innerAny(anyType: MessageType, content: JsonObject, depth: number): Message {
    const { value, ...rest } = content;
    const [other] = Object.keys(rest);
    if (other !== undefined) this.#refuse(`has no field ${JSON.stringify(clip(other))} beside "value"`);
    if (value === undefined) this.#refuse('must have a "value"');
    return this.#at('value', () => this.message(anyType, value, depth + 1));
  }

  #fields(type: MessageType, json: JsonObject, depth: number): Message {
    const message = type.create();
    const fields = fieldTable(type);
    const seen = new Set<string>();
    for (const key of Object.keys(json)) {
      const field = fields.get(key);
      if (field === undefined) this.#refuse(`${type.$type} has no field ${JSON.stringify(clip(key))}`);
      const value = json[key] as JsonValue;
      this.#at(key, () => {
        this.#once(seen, field.jsonName);
        if (value === null) return;
        if (field.oneof !== undefined) this.#once(seen, `oneof ${field.oneof}`);
        this.#set(message as unknown as Draft, field, value, depth);
      });
    }
    return message;
  }

  #set(draft: Draft, field: Field, json: JsonValue, depth: number): void {
    if (field.repeated) {
      if (!isArray(json)) this.#refuse(`must be an array, is ${show(json)}`);
      draft[field.jsonName] = json.map((element, index) => this.#at(index, () => this.#value(field, element, depth)));
      return;
    }
    const value = this.#value(field, json, depth);
    if (field.oneof === undefined) draft[field.jsonName] = value;
    else draft[field.oneof] = { $case: field.jsonName, value };
  }

  #value(field: Field, json: JsonValue, depth: number): unknown {
    if (field.kind === 'message') return this.message(field.message(), json, depth + 1);
    const value = scalarFromJson(field, json);
    if (value instanceof Mismatch) this.#refuse(`must be ${value.expected}, is ${show(json)}`);
    return value;
  }

  /** Two spellings of one field, or two members of one oneof, contradict each other. */
  #once(seen: Set<string>, name: string): void {
    if (seen.has(name)) this.#refuse(`${name} is given twice`);
    seen.add(name);
  }

  #at<R>(step: string | number, run: () => R): R {
    this.#path.push(step);
    const result = run();
    this.#path.pop();
    return result;
  }

  #where(): string {
    return this.#path.reduce<string>(
      (path, step) => path + (typeof step === 'number' ? `[${step}]` : `.${step}`),
      this.root,
    );
  }

  #refuse(what: string): never {
    throw new BusError(`${this.#where()}: ${what}`, {
      reason: 'TERABUS_JSON_INVALID',
      details: { type: this.root, path: [...this.#path] },
    });
  }
}

function fieldTable(type: MessageType): Map<string, Field> {
  let fields = fieldsByName.get(type);
  if (fields === undefined) {
    // The JSON name of one field wins over the original name of another, as in Python.
    fields = new Map([
      ...type.fields.map((field) => [field.name, field] as const),
      ...type.fields.map((field) => [field.jsonName, field] as const),
    ]);
    fieldsByName.set(type, fields);
  }
  return fields;
}

function isArray(json: JsonValue): json is readonly JsonValue[] {
  return Array.isArray(json);
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
