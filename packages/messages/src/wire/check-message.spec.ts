import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LogEvent } from '../gen/LogEvent.js';
import { Result } from '../gen/Result.js';
import { RPCMessage, Value } from '../gen/RPCMessage.js';
import { TeraEvent, TeraEvent_Header } from '../gen/TeraEvent.js';
import type { Message, MessageType } from '../types/message-type.js';

describe('encode refuses what bytes cannot carry', () => {
  const header = (properties: object): object => ({
    ...TeraEvent.create(),
    header: { ...TeraEvent_Header.create(), ...properties },
  });
  const value = (argValue: object): object => ({ ...Value.create(), argValue });
  const refused: readonly [string, MessageType, unknown, string][] = [
    [
      'a lone surrogate',
      TeraEvent,
      header({ topic: 'a\ud800' }),
      '.header.topic: must be text without lone surrogates',
    ],
    [
      'a lone surrogate in a oneof',
      Value,
      value({ $case: 'stringValue', value: '\udc00' }),
      '.stringValue: must be text',
    ],
    ['a number for text', TeraEvent, header({ topic: 5 }), '.header.topic: must be a string, is 5'],
    ['a missing field', TeraEvent, header({ topic: undefined }), '.header.topic: must be a string, is undefined'],
    ['a negative uint32', TeraEvent, header({ version: -1 }), '.header.version: must be an integer from 0 to 2^32-1'],
    ['a uint32 of 2^32', TeraEvent, header({ version: 2 ** 32 }), '.header.version: must be an integer'],
    ['a fraction', TeraEvent, header({ version: 1.5 }), '.header.version: must be an integer'],
    ['text for a double', TeraEvent, header({ time: '1' }), '.header.time: must be a number, is "1"'],
    ['an enum beyond 32 bits', LogEvent, { ...LogEvent.create(), level: 2 ** 31 }, '.level: must be an integer'],
    ['a number for 64 bits', Result, { ...Result.create(), code: 1 }, '.code: must be a bigint'],
    ['2^63 for an int64', Result, { ...Result.create(), code: 2n ** 63n }, '.code: must be a bigint from -2^63'],
    ['−1 for a uint64', RPCMessage, { ...RPCMessage.create(), id: -1n }, '.id: must be a bigint from 0'],
    ['a float beyond its range', Value, value({ $case: 'floatValue', value: 1e39 }), 'in the range of a float'],
    ['an array for bytes', Value, value({ $case: 'bytesValue', value: [1] }), '.bytesValue: must be a Uint8Array'],
    ['a number for a boolean', Value, value({ $case: 'boolValue', value: 1 }), '.boolValue: must be a boolean'],
    [
      'a member that the oneof lacks',
      Value,
      value({ $case: 'int_value', value: 1n }),
      '.argValue: has no member "int_value"',
    ],
    ['a oneof without $case', Value, value({ value: 1n }), '.argValue: has no member undefined'],
    ['a oneof that is no pair', Value, { ...Value.create(), argValue: 5 }, 'must be in { $case, value }'],
    ['no array for a list', RPCMessage, { ...RPCMessage.create(), args: {} }, '.args: must be an array'],
    ['a hole in a list', RPCMessage, { ...RPCMessage.create(), args: [undefined] }, '.args[0]: must be a message'],
    [
      'another type inside',
      TeraEvent,
      { ...TeraEvent.create(), header: Value.create() },
      '.header: must be made with Header',
    ],
    ['another type', TeraEvent, Value.create(), 'must be made with TeraEvent.create(…)'],
    ['a message without $type', TeraEvent, { events: [] }, 'its $type is undefined'],
    ['null', TeraEvent, null, 'must be a message, is null'],
  ];
  for (const [what, type, message, sentence] of refused) {
    it(what, () => {
      expect(() => type.encode(message as Message))
        .to.throw(sentence)
        .with.property('reason', 'TERABUS_MESSAGE_INVALID');
      expect(() => type.encode(message as Message)).to.throw(type.$type);
    });
  }

  it('objects whose properties throw', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    let reads = 0;
    const thrower = {
      ...TeraEvent.create(),
      get events(): unknown {
        return reads++ === 0 ? [] : 5;
      },
    };
    const forged = { ...Value.create(), argValue: { $case: 'bytesValue', value: Object.create(Uint8Array.prototype) } };
    for (const [type, message] of [
      [TeraEvent, proxy],
      [TeraEvent, header({ topic: proxy })],
      [TeraEvent, thrower],
      [Value, forged],
    ] as const) {
      expect(() => type.encode(message as never))
        .to.throw(`${type.$type} cannot be read`)
        .with.property('reason', 'TERABUS_MESSAGE_INVALID');
    }
  });

  it('and takes both ends of each range', () => {
    for (const code of [2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(Result.decode(Result.encode(Result.create({ code }))).code).to.equal(code);
    }
    for (const number of [3.4028234663852886e38, Number.NaN, Number.NEGATIVE_INFINITY]) {
      const message = Value.create({ argValue: { $case: 'floatValue', value: number } });
      expect(Value.decode(Value.encode(message))).to.deep.equal(message);
    }
  });
});
