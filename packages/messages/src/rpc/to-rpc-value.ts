import { BusError } from '../errors/bus-error.js';
import type { Value } from '../gen/RPCMessage.js';

/** What an argument of a call can be in JavaScript. Structures travel as their JSON, in a string. */
export type RpcValue = number | bigint | boolean | string | Uint8Array;

/**
 * A JavaScript value as an argument. Safe integers go as int_value, because Python's callees tell int from float;
 * all other numbers, −0 included, as double_value; a bigint as int_value, or as uint_value from 2^63 on. Zeros and
 * empty strings are kept: a Value without member makes OpenTera answer with an error (contract 1.1).
 * @throws BusError TERABUS_RPC_VALUE for everything else.
 */
export function toRpcValue(value: RpcValue): Value {
  return { $type: 'opentera.protobuf.Value', argValue: memberOf(value) };
}

function memberOf(value: unknown): NonNullable<Value['argValue']> {
  switch (typeof value) {
    case 'number':
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { $case: 'intValue', value: BigInt(value) };
      return { $case: 'doubleValue', value };
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return { $case: 'intValue', value };
      if (BigInt.asUintN(64, value) === value) return { $case: 'uintValue', value };
      return refuse(`${value}n, which needs more than 64 bits`);
    case 'boolean':
      return { $case: 'boolValue', value };
    case 'string':
      return { $case: 'stringValue', value };
    default:
      if (value instanceof Uint8Array) return { $case: 'bytesValue', value };
      return refuse(value === null ? 'null' : Array.isArray(value) ? 'an array' : `${typeof value}`);
  }
}

function refuse(what: string): never {
  throw new BusError(`an argument is a number, bigint, boolean, string or Uint8Array, not ${what}`, {
    reason: 'TERABUS_RPC_VALUE',
  });
}
