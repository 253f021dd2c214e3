import { BusError } from '../errors/bus-error.js';
import type { Value } from '../gen/RPCMessage.js';

/** What a callee may ask an argument to be, and the JavaScript type it then gets. */
export interface RpcKinds {
  number: number;
  bigint: bigint;
  boolean: boolean;
  string: string;
  bytes: Uint8Array;
}

/** One of the kinds of an argument. */
export type RpcKind = keyof RpcKinds;

/**
 * An argument as what the callee declares it to be. Callers choose among the numeric members by their own rules, so
 * that a number is read from any of them that it represents exactly, and a bigint from any integral one.
 * @throws BusError TERABUS_RPC_VALUE, which names both, if it is of another kind or has no member.
 */
export function fromRpcValue<K extends RpcKind>(value: Value, kind: K): RpcKinds[K] {
  const member = (value as Value | null | undefined)?.argValue ?? undefined;
  const result = member === undefined ? undefined : readers[kind]?.(member);
  if (result !== undefined) return result as RpcKinds[K];
  throw new BusError(
    `the argument must be ${nouns[kind] ?? String(kind)}, and is ${member === undefined ? 'a Value without member' : describe(member)}`,
    {
      reason: 'TERABUS_RPC_VALUE',
    },
  );
}

type Member = NonNullable<Value['argValue']>;

const readers: { readonly [K in RpcKind]: (member: Member) => RpcKinds[K] | undefined } = {
  number(member) {
    if (typeof member.value === 'number') return member.value;
    if (typeof member.value !== 'bigint') return undefined;
    const number = Number(member.value);
    return BigInt(number) === member.value ? number : undefined;
  },
  bigint(member) {
    if (typeof member.value === 'bigint') return member.value;
    return typeof member.value === 'number' && Number.isInteger(member.value) ? BigInt(member.value) : undefined;
  },
  boolean: (member) => (member.$case === 'boolValue' ? member.value : undefined),
  string: (member) => (member.$case === 'stringValue' ? member.value : undefined),
  bytes: (member) => (member.$case === 'bytesValue' ? member.value : undefined),
};

const nouns: Readonly<Record<RpcKind, string>> = {
  number: 'a number',
  bigint: 'an integer',
  boolean: 'a boolean',
  string: 'a string',
  bytes: 'bytes',
};

/** Numbers are shown because it is their value that doesn't fit; text and bytes may be secrets. */
function describe(member: Member): string {
  return typeof member.value === 'number' || typeof member.value === 'bigint'
    ? `the ${member.$case} ${member.value}`
    : `a ${member.$case}`;
}
