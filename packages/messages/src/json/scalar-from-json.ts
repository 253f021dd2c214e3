import type { Field } from '../types/field.js';
import { fromBase64 } from './base64.js';
import type { JsonValue } from './json-value.js';

/** What a JSON value was expected to be, where it is something else. */
export class Mismatch {
  constructor(readonly expected: string) {}
}

const integer = /^[+-]?\d+$/;
const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/**
 * The value of a field that is no message. Everything that Python prints is read, also the largest float, which
 * Python prints so short that it then refuses it. What Python
 * would round, truncate or guess is a mismatch: a fraction for an enum, `true` for a number, a number beyond 2^53
 * for a 64-bit integer, which JSON.parse has rounded already.
 */
export function scalarFromJson(field: Exclude<Field, { kind: 'message' }>, json: JsonValue): unknown {
  switch (field.kind) {
    case 'string':
      if (typeof json !== 'string') return new Mismatch('a string');
      return /\p{Surrogate}/u.test(json) ? new Mismatch('text without lone surrogates') : json;
    case 'bool':
      return typeof json === 'boolean' ? json : new Mismatch('true or false');
    case 'bytes':
      return (typeof json === 'string' ? fromBase64(json) : undefined) ?? new Mismatch('base64');
    case 'enum':
      return enumFromJson(field, json);
    case 'double':
      return doubleFromJson(json) ?? new Mismatch('a number, "NaN", "Infinity" or "-Infinity"');
    case 'float':
      return floatFromJson(json) ?? new Mismatch('a number of single precision, "NaN", "Infinity" or "-Infinity"');
    default:
      return integerFromJson(field.kind, json);
  }
}

function enumFromJson(field: Extract<Field, { kind: 'enum' }>, json: JsonValue): number | Mismatch {
  const named = field.enum.values.find(([name]) => name === json)?.[1];
  if (named !== undefined) return named;
  // As text, Python reads it by `int`, which knows neither fractions nor exponents.
  const number = typeof json === 'string' && !integer.test(json) ? undefined : exactInteger(json);
  if (number !== undefined && BigInt.asIntN(32, number) === number) return Number(number);
  return new Mismatch(`a name or number of ${field.enum.name}`);
}

function doubleFromJson(json: JsonValue): number | undefined {
  if (typeof json === 'number') return Number.isFinite(json) ? json : undefined;
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
  return typeof json === 'string' && decimal.test(json) ? Number(json) : undefined;
}

function floatFromJson(json: JsonValue): number | undefined {
  const double = doubleFromJson(json);
  if (double === undefined) return undefined;
  const single = Math.fround(double);
  return Number.isFinite(double) && !Number.isFinite(single) ? undefined : single;
}

type IntegerKind = Exclude<Field['kind'], 'message' | 'enum' | 'string' | 'bool' | 'bytes' | 'double' | 'float'>;

function integerFromJson(kind: IntegerKind, json: JsonValue): number | bigint | Mismatch {
  const integer = exactInteger(json);
  const bits = kind.endsWith('64') ? 64 : 32;
  const unsigned = kind.startsWith('u') || kind.startsWith('f');
  const fits =
    integer !== undefined && (unsigned ? BigInt.asUintN(bits, integer) : BigInt.asIntN(bits, integer)) === integer;
  if (!fits) return new Mismatch(`an integer of ${bits} bits${unsigned ? ', not negative' : ''}`);
  return bits === 64 ? integer : Number(integer);
}

/** Longer texts are no 64-bit integer, and turning them into a BigInt takes time that grows with their square. */
const maxDigits = 400;

/** Integers stand as numbers, as text, and as text with an exponent or a zero fraction. */
function exactInteger(json: JsonValue): bigint | undefined {
  if (typeof json === 'number') return Number.isSafeInteger(json) ? BigInt(json) : undefined;
  if (typeof json !== 'string' || json.length > maxDigits) return undefined;
  if (integer.test(json)) return BigInt(json.replace('+', ''));
  const number = decimal.test(json) ? Number(json) : Number.NaN;
  return Number.isInteger(number) ? BigInt(number) : undefined;
}
