import { expect } from 'chai';
import { describe, it } from 'mocha';
import { RPCMessage, Value } from '../gen/RPCMessage.js';
import { fromRpcValue, type RpcKind } from './from-rpc-value.js';
import { decodeRpcRequest, encodeRpcRequest } from './rpc-request.js';
import { type RpcValue, toRpcValue } from './to-rpc-value.js';

type Member = NonNullable<Value['argValue']>;
const of = (argValue: Member): Value => Value.create({ argValue });

describe('toRpcValue', () => {
  const cases: readonly [RpcValue, Member][] = [
    [0, { $case: 'intValue', value: 0n }],
    [-0, { $case: 'doubleValue', value: -0 }],
    [Number.MAX_SAFE_INTEGER, { $case: 'intValue', value: 2n ** 53n - 1n }],
    [2 ** 53, { $case: 'doubleValue', value: 2 ** 53 }],
    [1.5, { $case: 'doubleValue', value: 1.5 }],
    [Number.NaN, { $case: 'doubleValue', value: Number.NaN }],
    [-(2n ** 63n), { $case: 'intValue', value: -(2n ** 63n) }],
    [2n ** 63n, { $case: 'uintValue', value: 2n ** 63n }],
    [2n ** 64n - 1n, { $case: 'uintValue', value: 2n ** 64n - 1n }],
    [false, { $case: 'boolValue', value: false }],
    ['', { $case: 'stringValue', value: '' }],
    [Uint8Array.of(), { $case: 'bytesValue', value: Uint8Array.of() }],
  ];
  for (const [given, member] of cases) {
    it(`sends ${typeof given} ${Object.is(given, -0) ? '−0' : String(given)} as ${member.$case}`, () => {
      expect(toRpcValue(given).argValue).to.deep.equal(member);
    });
  }

  it('refuses everything else', () => {
    for (const value of [undefined, null, {}, [], 2n ** 64n, -(2n ** 63n) - 1n, Symbol('x'), () => 1, new Date()]) {
      expect(() => toRpcValue(value as RpcValue))
        .to.throw()
        .with.property('reason', 'TERABUS_RPC_VALUE');
    }
  });
});

describe('fromRpcValue', () => {
  const read: readonly [Member, RpcKind, unknown][] = [
    [{ $case: 'intValue', value: 5n }, 'number', 5],
    [{ $case: 'uintValue', value: 2n ** 63n }, 'number', 2 ** 63],
    [{ $case: 'floatValue', value: 0.5 }, 'number', 0.5],
    [{ $case: 'doubleValue', value: -0 }, 'number', -0],
    [{ $case: 'doubleValue', value: Number.NaN }, 'number', Number.NaN],
    [{ $case: 'intValue', value: -(2n ** 63n) }, 'bigint', -(2n ** 63n)],
    [{ $case: 'uintValue', value: 2n ** 64n - 1n }, 'bigint', 2n ** 64n - 1n],
    [{ $case: 'doubleValue', value: 3 }, 'bigint', 3n],
    [{ $case: 'boolValue', value: false }, 'boolean', false],
    [{ $case: 'stringValue', value: '' }, 'string', ''],
    [{ $case: 'bytesValue', value: Uint8Array.of() }, 'bytes', Uint8Array.of()],
  ];
  for (const [member, kind, expected] of read) {
    it(`reads ${member.$case} ${member.value} as ${kind}`, () => {
      expect(fromRpcValue(of(member), kind)).to.deep.equal(expected);
    });
  }

  const refused: readonly [Member, RpcKind, string][] = [
    [{ $case: 'intValue', value: 2n ** 53n + 1n }, 'number', 'a number, and is the intValue 9007199254740993'],
    [{ $case: 'doubleValue', value: 1.5 }, 'bigint', 'an integer, and is the doubleValue 1.5'],
    [{ $case: 'doubleValue', value: Number.POSITIVE_INFINITY }, 'bigint', 'an integer'],
    [{ $case: 'boolValue', value: true }, 'number', 'a number, and is a boolValue'],
    [{ $case: 'intValue', value: 1n }, 'boolean', 'a boolean, and is the intValue 1'],
    [{ $case: 'stringValue', value: '5' }, 'number', 'a number, and is a stringValue'],
    [{ $case: 'stringValue', value: 'secret' }, 'bytes', 'bytes, and is a stringValue'],
  ];
  for (const [member, kind, sentence] of refused) {
    it(`does not read ${member.$case} ${member.value} as ${kind}`, () => {
      expect(() => fromRpcValue(of(member), kind))
        .to.throw(sentence)
        .with.property('reason', 'TERABUS_RPC_VALUE');
      expect(() => fromRpcValue(of(member), kind)).not.to.throw('secret');
    });
  }

  it('reads no Value without member', () => {
    for (const kind of ['number', 'bigint', 'boolean', 'string', 'bytes'] as const) {
      expect(() => fromRpcValue(Value.create(), kind)).to.throw('a Value without member');
      expect(() => fromRpcValue(null as unknown as Value, kind)).to.throw('a Value without member');
    }
  });
});

describe('an RPCMessage', () => {
  it('keeps the zero of every member', () => {
    const args = [0, 0n, -0, false, '', Uint8Array.of()].map(toRpcValue);
    const parts = { method: 'm', replyTo: '', id: 2n ** 64n - 1n, timestamp: 1, args };
    expect(decodeRpcRequest(encodeRpcRequest(parts))).to.deep.equal(RPCMessage.create(parts));
  });
});
