import type { RpcKind, Value } from '@terabus/messages';
import { BusError, fromRpcValue, toRpcValue } from '@terabus/messages';
import { z } from 'zod';
import type { RpcMethod } from '../contract/contract.js';

/** How one argument goes on the wire, decided when its contract is defined. */
export interface ParameterKind {
  readonly kind: RpcKind;
  readonly optional: boolean;
}

/** A UUID of any version. Not `z.uuid()`: that refuses OpenTera's own `00000000-0000-0000-0000-000000000001`. */
export const uuid = z.guid();

/** Bytes: a `bytes_value` as an argument of a call. */
export const bytes = z.instanceof(Uint8Array);

/**
 * A structure that travels as a JSON string, as OpenTera's `session_manage` has it. Handlers and callers see the
 * structure; text that isn't JSON, or isn't of the schema, is a bad argument.
 */
export const json = <S extends z.ZodType>(schema: S) =>
  z.codec(z.string(), schema, {
    decode: (text, payload) => {
      try {
        return JSON.parse(text);
      } catch (error) {
        payload.issues.push({ code: 'custom', message: `not JSON: ${(error as Error).message}`, input: text });
        return z.NEVER;
      }
    },
    encode: (structure) => JSON.stringify(structure),
  });

/**
 * Decides how an argument of this schema travels.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID` for what an RPC value can't say.
 */
export function classify(schema: z.ZodType, where: string): ParameterKind {
  const optional = schema.safeParse(undefined).success;
  const kinds = wireKinds(schema as unknown as AnySchema, where);
  const [kind] = kinds;
  if (kinds.size !== 1 || kind === undefined) {
    throw refusal(where, `may be ${[...kinds].join(' or ')}, but an argument has one type on the wire`);
  }
  return Object.freeze({ kind, optional });
}

/** The part of zod's schema definitions that decides what goes on the wire. */
interface AnySchema {
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly fn?: unknown;
      readonly innerType?: AnySchema;
      readonly in?: AnySchema;
      readonly out?: AnySchema;
      readonly getter?: () => AnySchema;
      readonly options?: readonly AnySchema[];
      readonly values?: readonly unknown[];
    };
    /** Of enums and literals. */
    readonly values?: ReadonlySet<unknown>;
  };
}

function wireKinds(schema: AnySchema, where: string): Set<RpcKind> {
  const { def } = schema._zod;
  const inside = (inner: AnySchema | undefined) => wireKinds(inner as AnySchema, where);
  // By its function: a refined copy has the same.
  if (def.fn !== undefined && def.fn === (bytes as unknown as AnySchema)._zod.def.fn) return new Set(['bytes']);
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return new Set(['string']);
    case 'number':
    case 'int':
      return new Set(['number']);
    case 'bigint':
      return new Set(['bigint']);
    case 'boolean':
      return new Set(['boolean']);
    case 'literal':
      return new Set(def.values?.map((value) => kindOfValue(value, where)));
    case 'enum':
      // Not its entries: a numeric enum of TypeScript also has its names as values there.
      return new Set([...(schema._zod.values ?? [])].map((value) => kindOfValue(value, where)));
    case 'optional':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'catch':
      return inside(def.innerType);
    case 'lazy':
      return inside(def.getter?.());
    case 'union':
      return new Set((def.options ?? []).flatMap((option) => [...inside(option)]));
    case 'pipe':
      if (def.in?._zod.def.type === 'transform' || def.out?._zod.def.type === 'transform') {
        throw refusal(where, 'has a transform, which goes one way only: use z.codec, so that callers can go the other');
      }
      return inside(def.in);
    default:
      throw refusal(
        where,
        `is of zod type '${def.type}', which an RPC value can't say: it takes number, bigint, boolean, string and bytes; use json(schema) for structures and null`,
      );
  }
}

function kindOfValue(value: unknown, where: string): RpcKind {
  const kind = typeof value;
  if (kind === 'string' || kind === 'number' || kind === 'bigint' || kind === 'boolean') return kind;
  throw refusal(where, `may be ${String(value)}, which an RPC value can't say`);
}

const refusal = (where: string, why: string) => new BusError(`${where} ${why}`, { reason: 'TERABUS_CONTRACT_INVALID' });

type PlainType = 'string' | 'number' | 'boolean';

/** What schemas were found to be: each argument and result is looked up here. */
const plainTypes = new WeakMap<z.ZodType, PlainType | 'other'>();

/** Whether a schema does no more than to ask for the type of a value, and it has that: then nothing is parsed. */
function isPlainly(schema: z.ZodType, value: unknown): boolean {
  let type = plainTypes.get(schema);
  if (type === undefined) {
    type = plainTypeOf(schema);
    plainTypes.set(schema, type);
  }
  return type === 'number' ? Number.isFinite(value) : typeof value === type;
}

/** Of `z.string()`, `z.number()` and `z.boolean()` as they are, without checks, formats or coercion. */
function plainTypeOf(schema: z.ZodType): PlainType | 'other' {
  const { type, checks = [], ...more } = schema._zod.def as { type: string; checks?: readonly unknown[] };
  const isPlain = (type === 'string' || type === 'number' || type === 'boolean') && checks.length === 0;
  return isPlain && Object.keys(more).every((name) => name === 'error') ? type : 'other';
}

/**
 * The arguments of a call as they go on the wire. Optional ones at the end that are undefined stay away.
 *
 * @throws BusError `TERABUS_RPC_ARGUMENTS`, naming the first argument that doesn't fit.
 */
export function encodeArguments(method: RpcMethod, args: readonly unknown[]): Value[] {
  let length = method.args.length;
  while (length > 0 && args[length - 1] === undefined && method.parameters[length - 1]?.optional) length -= 1;
  const values: Value[] = [];
  for (let index = 0; index < length; index++) {
    values.push(encodeArgument(method, index, args[index]));
  }
  return values;
}

function encodeArgument(method: RpcMethod, index: number, argument: unknown): Value {
  const schema = method.args[index] as z.ZodType;
  // Not the last one, so that it can't stay away: its default goes, if it has one.
  const given = argument === undefined && method.parameters[index]?.optional ? schema.parse(undefined) : argument;
  if (given === undefined) throw badArgument(method, index, 'is missing');
  try {
    if (isPlainly(schema, given)) return toRpcValue(given as Parameters<typeof toRpcValue>[0]);
    const result = z.safeEncode(schema, given);
    if (!result.success) throw badArgument(method, index, complaint(result.error));
    return toRpcValue(result.data as Parameters<typeof toRpcValue>[0]);
  } catch (error) {
    // A codec of the user's may throw anything.
    if (BusError.is(error) && error.reason === 'TERABUS_RPC_ARGUMENTS') throw error;
    throw badArgument(method, index, BusError.from(error).rawMessage, error);
  }
}

/**
 * The arguments of a handler from what came over the wire: as many as the contract has, checked, with defaults.
 *
 * @throws BusError `TERABUS_RPC_ARGUMENTS`, naming the first argument that doesn't fit, or the count.
 */
export function decodeArguments(method: RpcMethod, values: readonly Value[]): unknown[] {
  const { args, parameters } = method;
  if (values.length > args.length) {
    throw new BusError(
      `${method.name} takes ${args.length} argument${args.length === 1 ? '' : 's'}, got ${values.length}`,
      {
        reason: 'TERABUS_RPC_ARGUMENTS',
      },
    );
  }
  return args.map((schema, index) => {
    const value = values[index];
    let result: ReturnType<typeof schema.safeParse>;
    try {
      const raw = value && fromRpcValue(value, (parameters[index] as ParameterKind).kind);
      if (isPlainly(schema, raw)) return raw;
      result = schema.safeParse(raw);
    } catch (error) {
      throw badArgument(method, index, BusError.from(error).rawMessage, error);
    }
    if (!result.success) throw badArgument(method, index, value === undefined ? 'is missing' : complaint(result.error));
    return result.data;
  });
}

const complaint = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ');

const badArgument = (method: RpcMethod, index: number, why: string, cause?: unknown) =>
  new BusError(`argument ${index + 1} of ${method.name}: ${why}`, { reason: 'TERABUS_RPC_ARGUMENTS', cause });

/**
 * The result of a handler as JSON.
 *
 * @throws BusError `TERABUS_RPC_RESULT` when it isn't what the contract says, or JSON can't say it: `NaN`, a `Map`,
 * bytes and bigints come out as something else or not at all, so they need a codec in `returns`.
 */
export function encodeResult(method: RpcMethod, result: unknown): string {
  if (isPlainly(method.returns, result)) return JSON.stringify(result);
  let wire: unknown;
  try {
    wire = z.encode(method.returns, result);
  } catch (error) {
    const why =
      error instanceof z.ZodError || error instanceof z.core.$ZodError ? complaint(error as z.ZodError) : String(error);
    throw new BusError(`the result of ${method.name} is not what its contract says: ${why}`, {
      reason: 'TERABUS_RPC_RESULT',
      cause: error,
    });
  }
  if (wire === undefined) return 'null';
  assertJson(wire, method.name, '', 0);
  return JSON.stringify(wire);
}

/** Deeper results are taken for cyclic ones; JSON readers refuse them anyway. */
const DEEPEST_RESULT = 100;

function assertJson(value: unknown, method: string, path: string, depth: number): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value === undefined) return;
  if (typeof value === 'number' && Number.isFinite(value)) return;
  if (typeof value === 'object' && depth < DEEPEST_RESULT) {
    if (Array.isArray(value)) {
      value.forEach((item, index) => {
        assertJson(item, method, `${path}[${index}]`, depth + 1);
      });
      return;
    }
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      for (const [key, item] of Object.entries(value)) assertJson(item, method, `${path}.${key}`, depth + 1);
      return;
    }
  }
  const what =
    typeof value === 'object'
      ? depth >= DEEPEST_RESULT
        ? 'a cycle'
        : value?.constructor?.name
      : `${String(value)} (${typeof value})`;
  throw new BusError(
    `the result of ${method}${path} is ${what}, which JSON can't say: return plain data or use a codec`,
    {
      reason: 'TERABUS_RPC_RESULT',
    },
  );
}

/**
 * The result of a call from the JSON of its answer.
 *
 * @throws BusError `TERABUS_RPC_RESULT` when it isn't what the contract says.
 */
export function decodeResult(method: RpcMethod, value: unknown): unknown {
  if (isPlainly(method.returns, value)) return value;
  // OpenTera says «nothing» as null: a contract may call it undefined.
  const candidates = value === null ? [null, undefined] : [value];
  let why: string | undefined;
  let cause: unknown;
  for (const candidate of candidates) {
    try {
      const result = method.returns.safeParse(candidate);
      if (result.success) return result.data;
      why ??= complaint(result.error);
    } catch (error) {
      // A codec of the user's may throw anything.
      why ??= BusError.from(error).rawMessage;
      cause = error;
    }
  }
  throw new BusError(`the answer of ${method.address} to ${method.name} is not what the contract says: ${why}`, {
    reason: 'TERABUS_RPC_RESULT',
    cause,
  });
}
