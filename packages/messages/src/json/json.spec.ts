import { expect } from 'chai';
import { describe, it } from 'mocha';
import { DeviceEvent } from '../gen/DeviceEvent.js';
import { LogEvent } from '../gen/LogEvent.js';
import { Result, type Result_ResultType } from '../gen/Result.js';
import { Value } from '../gen/RPCMessage.js';
import { TeraEvent } from '../gen/TeraEvent.js';
import { TeraModuleMessage } from '../gen/TeraModuleMessage.js';
import { Any, packAny } from '../types/any.js';
import type { MessageType } from '../types/message-type.js';
import { TypeRegistry } from '../types/type-registry.js';
import { fromBase64, toBase64 } from './base64.js';
import { fromJson } from './from-json.js';
import type { JsonValue } from './json-value.js';
import { toJson } from './to-json.js';

function float(value: number): JsonValue | undefined {
  const { floatValue } = toJson(Value.create({ argValue: { $case: 'floatValue', value } }));
  return floatValue;
}

describe('toJson', () => {
  it('omits defaults, or prints those of fields without presence', () => {
    expect(toJson(DeviceEvent.create({ type: 7 }))).to.deep.equal({ type: 'DEVICE_STATUS_CHANGED' });
    expect(toJson(DeviceEvent.create(), { defaults: 'print' })).to.deep.equal({
      deviceUuid: '',
      type: 'DEVICE_UNKNOWN',
      deviceName: '',
      deviceStatus: '',
    });
    expect(toJson(TeraEvent.create(), { defaults: 'print' })).to.deep.equal({ events: [] });
    expect(toJson(Value.create(), { defaults: 'print' })).to.deep.equal({});
  });

  it('prints a oneof that is set to a default', () => {
    expect(toJson(Value.create({ argValue: { $case: 'intValue', value: 0n } }))).to.deep.equal({ intValue: '0' });
  });

  it("prints numbers as Python's json_format does", () => {
    expect(toJson(Result.create({ code: -(2n ** 63n), type: 99 as Result_ResultType }))).to.deep.equal({
      code: '-9223372036854775808',
      type: 99,
    });
    expect(toJson(LogEvent.create({ timestamp: -0 }))).to.deep.equal({ timestamp: -0 });
    expect(toJson(LogEvent.create({ timestamp: Number.NEGATIVE_INFINITY }))).to.deep.equal({ timestamp: '-Infinity' });
    expect([0.1, 759670.1875, 1e-45, -0, 3.4028234663852886e38, Number.NaN].map((each) => float(each))).to.deep.equal([
      0.1,
      759670.2,
      1.4013e-45,
      -0,
      3.4028235e38,
      'NaN',
    ]);
    // Ties go to the even digit, as in Python, where JavaScript rounds up.
    expect([4761.40625, 4761.40673828125].map((each) => float(each))).to.deep.equal([4761.4062, 4761.4067]);
  });

  it('expands an Any beside its @type, and an Any in an Any under value', () => {
    const inner = packAny(LogEvent, LogEvent.create({ level: 5 }));
    expect(toJson(packAny(Any, packAny(Any, inner)))).to.deep.equal({
      '@type': 'type.googleapis.com/google.protobuf.Any',
      value: {
        '@type': 'type.googleapis.com/google.protobuf.Any',
        value: { '@type': 'type.googleapis.com/opentera.protobuf.LogEvent', level: 'LOGLEVEL_INFO' },
      },
    });
    expect(toJson(packAny(Any, Any.create()))).to.deep.equal({
      '@type': 'type.googleapis.com/google.protobuf.Any',
      value: {},
    });
  });

  it('refuses what it does not know, and what is no message of its type', () => {
    const unknown = Any.create({ typeUrl: 't/none.Such' });
    expect(() => toJson(unknown))
      .to.throw('none.Such')
      .with.property('reason', 'TERABUS_TYPE_UNKNOWN');
    expect(() => toJson(Any.create({ value: Uint8Array.of(1) }))).to.throw('TERABUS_TYPE_UNKNOWN');
    expect(() => toJson(LogEvent.create(), { registry: new TypeRegistry() })).to.throw('TERABUS_TYPE_UNKNOWN');
    expect(() => toJson({ ...LogEvent.create(), level: 'INFO' } as unknown as LogEvent)).to.throw('.level: must be');
    const damaged = Any.create({ typeUrl: 't/opentera.protobuf.LogEvent', value: Uint8Array.of(0) });
    expect(() => toJson(damaged)).to.throw('TERABUS_MESSAGE_UNDECODABLE');
  });
});

describe('fromJson', () => {
  const read: readonly [string, MessageType, JsonValue, object][] = [
    ['original names', DeviceEvent, { device_uuid: 'u' }, { deviceUuid: 'u' }],
    ['enums by name', DeviceEvent, { type: 'DEVICE_CONNECTED' }, { type: 1 }],
    ['enums by number', DeviceEvent, { type: -99 }, { type: -99 }],
    ['null as the default', DeviceEvent, { deviceUuid: null, type: null }, {}],
    ['64 bits as text', Result, { code: '-9223372036854775808' }, { code: -(2n ** 63n) }],
    ['64 bits as a number', Result, { code: 12 }, { code: 12n }],
    ['integers with an exponent', Result, { code: '1e3' }, { code: 1000n }],
    ['−0', LogEvent, { timestamp: -0 }, { timestamp: -0 }],
    ['numbers as text', LogEvent, { timestamp: '1.5e3' }, { timestamp: 1500 }],
    ['infinity', LogEvent, { timestamp: '-Infinity' }, { timestamp: Number.NEGATIVE_INFINITY }],
    ['floats, rounded', Value, { floatValue: 0.1 }, { argValue: { $case: 'floatValue', value: Math.fround(0.1) } }],
    [
      'null beside the member of a oneof',
      Value,
      { boolValue: null, intValue: 0 },
      { argValue: { $case: 'intValue', value: 0n } },
    ],
    ['base64', Value, { bytesValue: '+/8=' }, { argValue: { $case: 'bytesValue', value: Uint8Array.of(251, 255) } }],
    ['base64url', Value, { bytesValue: '-_8' }, { argValue: { $case: 'bytesValue', value: Uint8Array.of(251, 255) } }],
  ];
  for (const [what, type, json, properties] of read) {
    it(`reads ${what}`, () => expect(fromJson(type, json)).to.deep.equal(type.create(properties as object)));
  }

  const refused: readonly [string, MessageType, JsonValue, string][] = [
    ['an unknown field', DeviceEvent, { nope: 1 }, 'has no field "nope"'],
    ['$type', DeviceEvent, { $type: DeviceEvent.$type }, 'has no field "$type"'],
    ['__proto__', DeviceEvent, JSON.parse('{"__proto__":{"x":1}}'), 'has no field "__proto__"'],
    ['constructor', DeviceEvent, { constructor: 'x' } as unknown as JsonValue, 'has no field "constructor"'],
    ['two members of a oneof', Value, { intValue: 1, boolValue: true }, '.boolValue: oneof argValue is given twice'],
    ['two spellings of a field', DeviceEvent, { deviceUuid: 'a', device_uuid: 'b' }, 'deviceUuid is given twice'],
    ['null in a list', TeraEvent, { events: [null] }, '.events[0]: must be an object, is null'],
    ['no list', TeraEvent, { events: {} }, '.events: must be an array'],
    ['a list for a message', TeraEvent, { header: [] }, '.header: must be an object'],
    ['a number for text', TeraEvent, { header: { topic: 5 } }, '.header.topic: must be a string, is 5'],
    ['a lone surrogate', DeviceEvent, { deviceUuid: '\ud800' }, '.deviceUuid: must be text without lone surrogates'],
    ['a name the enum does not have', DeviceEvent, { type: 'NOPE' }, '.type: must be a name or number'],
    ['a fraction for an enum', DeviceEvent, { type: 2.5 }, '.type: must be a name or number'],
    ['a fraction for an enum, as text', DeviceEvent, { type: '1.0' }, '.type: must be a name or number'],
    ['an exponent for an enum', DeviceEvent, { type: '1e0' }, '.type: must be a name or number'],
    ['a bigint', Result, { code: 5n } as unknown as JsonValue, '.code: must be an integer of 64 bits, is 5n'],
    ['an enum beyond 32 bits', DeviceEvent, { type: 2 ** 40 }, '.type: must be a name or number'],
    ['2^63', Result, { code: '9223372036854775808' }, '.code: must be an integer of 64 bits'],
    ['a number that JSON.parse has rounded', Result, { code: 2 ** 60 }, '.code: must be an integer of 64 bits'],
    ['an empty integer', Result, { code: '' }, '.code: must be an integer'],
    ['a space in an integer', Result, { code: ' 1' }, '.code: must be an integer'],
    ['a boolean for an integer', Result, { code: true }, '.code: must be an integer'],
    [
      'a negative uint32',
      TeraEvent,
      { header: { version: -1 } },
      '.header.version: must be an integer of 32 bits, not negative',
    ],
    ['nan', LogEvent, { timestamp: 'nan' }, '.timestamp: must be a number'],
    ['NaN that is no text', LogEvent, { timestamp: Number.NaN }, '.timestamp: must be a number'],
    ['a float out of range', Value, { floatValue: 1e39 }, '.floatValue: must be a number of single precision'],
    ['a boolean as text', Value, { boolValue: 'true' }, '.boolValue: must be true or false'],
    ['damaged base64', Value, { bytesValue: 'A Q!' }, '.bytesValue: must be base64'],
    ['an Any without @type', Any, { level: 1 }, 'must have an "@type"'],
    ['an Any in an Any without value', Any, { '@type': 't/google.protobuf.Any' }, 'must have a "value"'],
    ['a field beside value', Any, { '@type': 't/google.protobuf.Any', value: {}, x: 1 }, 'has no field "x" beside'],
    ['null', DeviceEvent, null, 'must be an object, is null'],
  ];
  for (const [what, type, json, sentence] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => fromJson(type, json))
        .to.throw(sentence)
        .with.property('reason', 'TERABUS_JSON_INVALID');
      expect(() => fromJson(type, json)).to.throw(type.$type);
    });
  }

  it('refuses an Any of a type that the registry does not have', () => {
    expect(() => fromJson(TeraEvent, { events: [{ '@type': 't/none.Such' }] }))
      .to.throw('opentera.protobuf.TeraEvent.events[0]: no message type is called "none.Such" here')
      .with.property('reason', 'TERABUS_TYPE_UNKNOWN');
  });

  it('reads back envelopes in envelopes', () => {
    const log = packAny(LogEvent, LogEvent.create({ level: 5, timestamp: 1.5 }));
    const event = packAny(
      TeraEvent,
      TeraEvent.create({ header: { topic: 't' }, events: [log, Any.create(), packAny(Any, log)] }),
    );
    const message = TeraModuleMessage.create({ head: {}, data: [event] });
    for (const defaults of ['omit', 'print'] as const) {
      const json = JSON.parse(JSON.stringify(toJson(message, { defaults }))) as JsonValue;
      expect(fromJson(TeraModuleMessage, json)).to.deep.equal(message);
      expect(JSON.stringify(json)).not.to.contain('$type');
    }
  });
});

describe('base64', () => {
  it('goes there and back at every length', () => {
    for (const length of [0, 1, 2, 3, 4, 8_191, 8_192, 8_193, 100_000]) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 7) % 256);
      const text = toBase64(bytes);
      expect(text).to.equal(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(text)).to.deep.equal(bytes);
    }
  });

  it('refuses what it is not', () => {
    for (const text of ['A', 'AAAAA', 'A=', '====', 'AA\n', 'é', 'A A=']) expect(fromBase64(text)).to.equal(undefined);
  });
});
