import type { Field } from '../types/field.js';
import { toBase64 } from './base64.js';
import type { JsonValue } from './json-value.js';

/** A value of a field that is no message, as Python's json_format prints it. */
export function scalarToJson(field: Exclude<Field, { kind: 'message' }>, value: unknown): JsonValue {
  switch (field.kind) {
    case 'double':
      return Number.isFinite(value) ? (value as number) : String(value);
    case 'float':
      return Number.isFinite(value) ? shortestFloat(value as number) : String(value);
    case 'bytes':
      return toBase64(value as Uint8Array);
    case 'enum':
      return field.enum.values.find(([, number]) => number === value)?.[0] ?? (value as number);
    case 'int64':
    case 'uint64':
    case 'sint64':
    case 'fixed64':
    case 'sfixed64':
      return String(value);
    case 'string':
    case 'bool':
      return value as string | boolean;
    default:
      // An integer −0 is a zero on the wire.
      return (value as number) + 0;
  }
}

/**
 * The number with the fewest digits, from six on, that is this one in single precision: 0.1, not
 * 0.10000000149011612. Python begins at six digits too, which shows in the smallest numbers.
 */
function shortestFloat(value: number): number {
  const single = Math.fround(value);
  // toPrecision drops the sign of −0.
  if (single === 0) return single;
  for (let digits = 6; digits < 9; digits++) {
    const rounded = roundHalfEven(single, digits);
    if (Math.fround(rounded) === single) return rounded;
  }
  return roundHalfEven(single, 9);
}

/**
 * A number with so many significant digits. JavaScript rounds a tie up, Python to the even digit: 4761.40625 is
 * 4761.4063 or 4761.4062, and both are the same float.
 */
function roundHalfEven(value: number, digits: number): number {
  // 60 digits tell a tie from what is merely near one.
  const [mantissa = '', exponent = ''] = value.toExponential(60).split('e');
  const kept = mantissa.slice(0, mantissa.indexOf('.') + digits);
  const tie = /^50*$/.test(mantissa.slice(kept.length));
  return tie && /[02468]$/.test(kept) ? Number(`${kept}e${exponent}`) : Number(value.toExponential(digits - 1));
}
