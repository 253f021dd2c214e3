import { expect } from 'chai';
import { describe, it } from 'mocha';
import { DeviceEvent } from '../gen/DeviceEvent.js';
import { LogEvent } from '../gen/LogEvent.js';
import { LoginEvent } from '../gen/LoginEvent.js';
import { RPCMessage, Value } from '../gen/RPCMessage.js';
import { TeraEvent } from '../gen/TeraEvent.js';
import type { MessageType } from '../types/message-type.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const undecodable = (type: MessageType, hex: string): Chai.Assertion =>
  expect(() => type.decode(bytes(hex)))
    .to.throw()
    .with.property('reason', 'TERABUS_MESSAGE_UNDECODABLE');

describe('decode refuses what Python refuses', () => {
  const refused: readonly [string, MessageType, string][] = [
    ['tag 0', DeviceEvent, '0a0175 00'],
    ['tag 0 at the end of a header, where the stock decoders go on outside', TeraEvent, '0a03 080100'],
    ['a group that ends and never began', DeviceEvent, '0a0175 0c'],
    ['a group that ends inside a header', TeraEvent, '0a03 08010c'],
    ['a group that begins and never ends', DeviceEvent, '5b 0801'],
    ["another group's end", DeviceEvent, '5b 0801 64'],
    ["a group's end in an outer message", TeraEvent, '0a01 5b 5c'],
    ['wire type 6', DeviceEvent, '0e'],
    ['wire type 7', DeviceEvent, '0f'],
    ['a varint that is cut off', DeviceEvent, '1080'],
    ['a varint of eleven bytes', DeviceEvent, '10 80808080808080808080 01'],
    ['a tag of six bytes', DeviceEvent, '908080808000 01'],
    ['a tag of 33 bits', DeviceEvent, '9080808010 01'],
    ['a length of six bytes', DeviceEvent, '0a 818080808000 61'],
    ['a length beyond the end', DeviceEvent, '0a 02 61'],
    ['a length beyond the end of its message', TeraEvent, '0a 02 1a05 6162636465'],
    ['a length of 2^31', DeviceEvent, '0a 8080808008'],
    ['a length of 2^32-1', DeviceEvent, '0a ffffffff0f'],
    ['a double that is cut off', LogEvent, '11 00000000000000'],
    ['text that is not UTF-8', DeviceEvent, '0a 02 c328'],
    ['a surrogate in UTF-8', DeviceEvent, '0a 03 eda080'],
    ['an overlong UTF-8', DeviceEvent, '0a 02 c080'],
    ['text that is not UTF-8 in a oneof', Value, '3a 01 ff'],
  ];
  for (const [what, type, hex] of refused) it(what, () => undecodable(type, hex));

  it('what is no bytes', () => {
    const detached = new Uint8Array(2);
    structuredClone(detached, { transfer: [detached.buffer] });
    const lookalikes = [Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(2), {}), detached];
    for (const value of ['0a', null, undefined, [10], new ArrayBuffer(2), ...lookalikes]) {
      expect(() => DeviceEvent.decode(value as unknown as Uint8Array)).to.throw('from a Uint8Array');
    }
  });

  it('and says what is wrong and where', () => {
    expect(() => TeraEvent.decode(bytes('0a04 1a02c328'))).to.throw(
      '[TERABUS_MESSAGE_UNDECODABLE] opentera.protobuf.TeraEvent.header.topic: text that is not UTF-8 at byte 4 of 6',
    );
  });
});

describe('decode accepts what Python accepts, with the same content', () => {
  it('unknown fields of every kind, which are dropped', () => {
    const unknown = ['78 05', '79 0000000000000000', '7a 01ff', '7d 00000000', '7b 0801 7a01ff 7c', '7b 0001 7c'];
    expect(DeviceEvent.decode(bytes(`0a0175 ${unknown.join(' ')} 1001`))).to.deep.equal(
      DeviceEvent.create({ deviceUuid: 'u', type: 1 }),
    );
  });

  it('known fields with another wire type, as unknown ones', () => {
    expect(DeviceEvent.decode(bytes('0805 120175 0b 0c'))).to.deep.equal(DeviceEvent.create());
  });

  it('the last of several values', () => {
    expect(DeviceEvent.decode(bytes('0a0161 0a0162')).deviceUuid).to.equal('b');
    expect(Value.decode(bytes('1805 3a0161')).argValue).to.deep.equal({ $case: 'stringValue', value: 'a' });
    expect(DeviceEvent.decode(bytes('1001 1000')).type).to.equal(0);
  });

  it('a message in two parts, which are merged', () => {
    const { logHeader } = LoginEvent.decode(bytes('0a02 0803 0a03 1a0161'));
    expect(logHeader).to.deep.equal(LogEvent.create({ level: 3, sender: 'a' }));
    expect(TeraEvent.decode(bytes('0a02 0801 0a03 1a0174')).header).to.deep.include({ version: 1, topic: 't' });
  });

  it('enums, 32 bits and booleans out of longer varints', () => {
    expect(DeviceEvent.decode(bytes('10 ffffffffffffffffff01')).type).to.equal(-1);
    expect(DeviceEvent.decode(bytes('10 8180808010')).type).to.equal(1);
    expect(DeviceEvent.decode(bytes('10 808080808080808080 01')).type).to.equal(0);
    expect(TeraEvent.decode(bytes('0a07 08 818080808010')).header?.version).to.equal(1);
    expect(Value.decode(bytes('28 8080808020')).argValue?.value).to.equal(true);
  });

  it('64 bits exactly, at both ends', () => {
    expect(RPCMessage.decode(bytes('18 ffffffffffffffffff01')).id).to.equal(2n ** 64n - 1n);
    expect(RPCMessage.decode(bytes('18 ffffffffffffffffff7f')).id).to.equal(2n ** 64n - 1n);
    expect(Value.decode(bytes('18 80808080808080808001')).argValue?.value).to.equal(-(2n ** 63n));
    expect(Value.decode(bytes('18 ffffffffffffffff7f')).argValue?.value).to.equal(2n ** 63n - 1n);
  });

  it('−0, infinity and NaN, and writes them again', () => {
    for (const value of [-0, Number.POSITIVE_INFINITY, Number.NaN, 5e-324]) {
      const encoded = LogEvent.encode(LogEvent.create({ timestamp: value }));
      expect(encoded).to.have.length(9);
      expect(Object.is(LogEvent.decode(encoded).timestamp, value)).to.equal(true);
    }
    expect(LogEvent.encode(LogEvent.create({ timestamp: 0 }))).to.have.length(0);
  });

  it('a byte order mark and a NUL, which belong to the text', () => {
    const event = DeviceEvent.create({ deviceUuid: '\ufeffa\0', deviceName: 'x'.repeat(20_000) });
    expect(DeviceEvent.decode(DeviceEvent.encode(event))).to.deep.equal(event);
  });

  it('tags and lengths with as many zeros as fit in five bytes', () => {
    expect(DeviceEvent.decode(bytes('8a80808000 8180808000 61')).deviceUuid).to.equal('a');
  });
});

describe('a decoded message', () => {
  it('shares no memory with its input, which may be a pooled Buffer', () => {
    for (const input of [bytes('3203 010203'), Buffer.from('3203010203', 'hex')]) {
      const { argValue } = Value.decode(input);
      input.fill(0);
      expect(argValue).to.deep.equal({ $case: 'bytesValue', value: Uint8Array.of(1, 2, 3) });
      expect(Object.getPrototypeOf(argValue?.value)).to.equal(Uint8Array.prototype);
    }
  });

  it('is read from a part of a larger buffer', () => {
    const part = Buffer.from('ffff0a0161ffff', 'hex').subarray(2, 5);
    expect(DeviceEvent.decode(part).deviceUuid).to.equal('a');
  });
});
