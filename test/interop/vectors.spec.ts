import { readFileSync } from 'node:fs';
import type { JsonObject, MessageType } from '@terabus/messages';
import {
  decodeModuleMessage,
  decodeTeraEvent,
  encodeModuleMessage,
  encodeRpcRequest,
  encodeTeraEvent,
  fromJson,
  packAny,
  ServerCommand,
  ServerCommand_CommandType,
  standardTypes,
  toJson,
  toRpcValue,
  UserEvent,
  UserEvent_EventType,
} from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';

interface MessageVector {
  readonly type: string;
  readonly hex: string;
  readonly json: JsonObject;
  readonly jsonWithDefaults: JsonObject;
}

interface MutationVector {
  readonly type: string;
  readonly hex: string;
  readonly accepted: boolean;
  /** null: Python accepts the bytes, and can't expand an Any in them. */
  readonly json?: JsonObject | null;
}

describe("OpenTera's vectors, made by Python protobuf", () => {
  const messages = readLines<MessageVector>('opentera-messages.jsonl');
  const mutations = readLines<MutationVector>('opentera-mutations.jsonl');

  it('are all there', () => {
    expect(messages.length).to.be.at.least(120);
    expect(mutations.length).to.be.at.least(400);
    expect(new Set(messages.map(({ type }) => type)).size).to.equal(20);
    expect(mutations.filter(({ accepted }) => accepted).length).to.be.at.least(72);
  });

  messages.forEach((vector, index) => {
    const type = typeOf(vector.type);

    it(`message ${index + 1}: ${vector.type} goes through bytes and JSON unchanged`, () => {
      const message = type.decode(fromHex(vector.hex));
      expect(toHex(type.encode(message))).to.equal(vector.hex);
      same(toJson(message), vector.json);
      same(toJson(message, { defaults: 'print' }), vector.jsonWithDefaults);
      for (const json of [vector.json, vector.jsonWithDefaults]) {
        expect(toHex(type.encode(fromJson(type, json)))).to.equal(vector.hex);
      }
    });
  });

  mutations.forEach((vector, index) => {
    const type = typeOf(vector.type);
    const verdict = vector.accepted ? 'accepted' : 'refused';

    it(`mutation ${index + 1}: ${vector.type} is ${verdict}`, () => {
      if (!vector.accepted) {
        expect(() => type.decode(fromHex(vector.hex)))
          .to.throw()
          .with.property('reason', 'TERABUS_MESSAGE_UNDECODABLE');
        return;
      }
      const message = type.decode(fromHex(vector.hex));
      if (vector.json === null) {
        expect(() => toJson(message))
          .to.throw()
          .with.property('reason')
          .that.is.oneOf(['TERABUS_TYPE_UNKNOWN', 'TERABUS_MESSAGE_UNDECODABLE']);
      } else {
        same(toJson(message), vector.json);
      }
    });
  });
});

describe("OpenTera's golden vectors (contract 1.5)", () => {
  const time = 1737474847.25;
  const user = '11111111-1111-4111-8111-111111111111';
  const device = '33333333-3333-4333-8333-333333333333';
  const connected = packAny(
    UserEvent,
    UserEvent.create({ userUuid: user, type: UserEvent_EventType.USER_CONNECTED, userFullname: 'Ana Roy' }),
  );
  const connectedHex =
    '0a2f747970652e676f6f676c65617069732e636f6d2f6f70656e746572612e70726f746f6275662e557365724576656e7412310a24' +
    '31313131313131312d313131312d343131312d383131312d31313131313131313131313110011a07416e6120526f79';

  it('a TeraEvent', () => {
    const topic = 'module.TeraServer.UserManagerModule.events';
    const bytes = encodeTeraEvent({ topic, time, events: [connected] });
    expect(toHex(bytes)).to.equal(
      '0a370801110000d0c7f0e3d9411a2a6d6f64756c652e546572615365727665722e557365724d616e616765724d6f64756c652e6576' +
        `656e74731264${connectedHex}`,
    );
    expect(decodeTeraEvent(bytes).header).to.deep.include({ version: 1, time, topic });
  });

  it('a TeraModuleMessage', () => {
    const parts = {
      source: `websocket.user.${user}`,
      dest: 'module.TeraServer.UserManagerModule.messages',
      seq: 0,
      time,
    };
    const bytes = encodeModuleMessage({ ...parts, data: [connected] });
    expect(toHex(bytes)).to.equal(
      '0a6e0801110000d0c7f0e3d9412233776562736f636b65742e757365722e31313131313131312d313131312d343131312d38313131' +
        '2d3131313131313131313131312a2c6d6f64756c652e546572615365727665722e557365724d616e616765724d6f64756c652e6d65' +
        `7373616765731264${connectedHex}`,
    );
    expect(decodeModuleMessage(bytes).head).to.deep.include(parts);
  });

  it('a ServerCommand', () => {
    const bytes = encodeModuleMessage({
      source: 'module.TeraServer.FlaskModule.messages',
      dest: `module.TeraServer.TwistedModule.events.${user}`,
      seq: 0,
      time,
      data: [packAny(ServerCommand, ServerCommand.create({ type: ServerCommand_CommandType.CMD_CLIENT_DISCONNECT }))],
    });
    expect(toHex(bytes)).to.equal(
      '0a80010801110000d0c7f0e3d94122266d6f64756c652e546572615365727665722e466c61736b4d6f64756c652e6d657373616765' +
        '732a4b6d6f64756c652e546572615365727665722e547769737465644d6f64756c652e6576656e74732e31313131313131312d3131' +
        '31312d343131312d383131312d31313131313131313131313112390a33747970652e676f6f676c65617069732e636f6d2f6f70656e' +
        '746572612e70726f746f6275662e536572766572436f6d6d616e6412020802',
    );
  });

  it('an RPCMessage with the arguments that OpenTera sends', () => {
    const bytes = encodeRpcRequest({
      method: 'update_device_status',
      replyTo: `RedisRPCClient.${device}`,
      id: 0n,
      timestamp: time,
      args: [device, '{"battery": 50}', 1737474847].map(toRpcValue),
    });
    expect(toHex(bytes)).to.equal(
      '0a147570646174655f6465766963655f73746174757312335265646973525043436c69656e742e33333333333333332d333333332d' +
        '343333332d383333332d333333333333333333333333210000d0c7f0e3d9412a263a2433333333333333332d333333332d34333333' +
        '2d383333332d3333333333333333333333332a113a0f7b2262617474657279223a2035307d2a06189f86bfbc06',
    );
  });

  it('an RPCMessage with a zero in each member', () => {
    const json = {
      method: 'm',
      replyTo: 'r',
      timestamp: time,
      args: [
        { doubleValue: 0 },
        { floatValue: 0.5 },
        { intValue: '-1' },
        { uintValue: '18446744073709551615' },
        { boolValue: false },
        { bytesValue: '' },
        { stringValue: '' },
      ],
    };
    const type = typeOf('opentera.protobuf.RPCMessage');
    expect(toHex(type.encode(fromJson(type, json)))).to.equal(
      '0a016d120172210000d0c7f0e3d9412a090900000000000000002a05150000003f2a0b18ffffffffffffffffff012a0b20ffffffff' +
        'ffffffffff012a0228002a0232002a023a00',
    );
  });
});

function readLines<T>(name: string): readonly T[] {
  // From dist/interop to the file beside the source.
  const text = readFileSync(new URL(`../../interop/${name}`, import.meta.url), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

function typeOf(name: string): MessageType {
  const type = standardTypes.get(name);
  if (type === undefined) throw new Error(`no type ${name}`);
  return type;
}

/** chai's deep equality tells −0 from 0 and takes NaN for itself. */
function same(actual: unknown, expected: unknown): void {
  expect(actual).to.deep.equal(expected);
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
