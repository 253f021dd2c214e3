import {
  DeviceEvent,
  encodeModuleMessage,
  encodeRpcRequest,
  encodeTeraEvent,
  JoinSessionEvent,
  packAny,
  toRpcValue,
} from '@terabus/messages';
import type { Random } from '../run/random.js';
import { events, Victim } from './service.js';

const utf8 = new TextEncoder();
const device = packAny(DeviceEvent, DeviceEvent.create({ deviceName: 'looks good', deviceStatus: '{"battery":80}' }));
const join = packAny(
  JoinSessionEvent,
  JoinSessionEvent.create({ sessionUuid: 'x'.repeat(36), sessionUsers: ['a', 'b'], joinMsg: 'é🩺' }),
);
const time = 1_700_000_000;

/** A valid message for each of the victim's topics. */
const valid: Readonly<Record<string, Uint8Array>> = {
  [events.name]: encodeTeraEvent({ topic: events.name, time, events: [device, join] }),
  [Victim.messages.name]: encodeModuleMessage({
    time,
    seq: 7,
    source: 'module.Hostile',
    dest: Victim.messages.name,
    data: [device, join],
  }),
  [Victim.rpc.echo.topic]: encodeRpcRequest({
    method: 'echo',
    replyTo: '',
    id: 1n,
    timestamp: time,
    args: [toRpcValue(1)],
  }),
};

/** A field with these bytes: its tag, the length, the bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([(number << 3) | 2, ...varint(bytes.length), ...bytes]);
}

function varint(value: number): number[] {
  const result: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) result.push((rest % 128) | 128);
  result.push(rest);
  return result;
}

const repeated = (piece: readonly number[], size: number) =>
  new Uint8Array(Math.floor(size / piece.length) * piece.length).map(
    (_, index) => piece[index % piece.length] as number,
  );

/** A message in a message in a message; `number` is the field that each of them has. */
function nested(number: number, depth: number): Uint8Array {
  // From the inside out the lengths are known; written from the end.
  const parts: number[][] = [];
  let size = 0;
  for (let level = 0; level < depth; level++) {
    const head = [(number << 3) | 2, ...varint(size)];
    parts.push(head);
    size += head.length;
  }
  return Uint8Array.from(parts.reverse().flat());
}

/** Few bytes that become much, or that take long: each of them `size` bytes. */
export function bombs(
  size: number,
): readonly { readonly what: string; readonly topic: string; readonly bytes: Uint8Array }[] {
  const request = (args: Uint8Array) => Uint8Array.from([...field(1, utf8.encode('read')), ...args]);
  const jsonArgument = (text: string) => {
    const value = field(7, utf8.encode(text));
    return request(field(5, value));
  };
  const inEvent = (content: Uint8Array) =>
    encodeTeraEvent({ topic: events.name, time, events: [{ ...join, value: content }] });
  const text = (piece: string) => piece.repeat(Math.floor((size - 100) / piece.length));
  return [
    { what: 'empty events', topic: events.name, bytes: repeated([0x12, 0], size) },
    { what: 'empty data', topic: Victim.messages.name, bytes: repeated([0x12, 0], size) },
    { what: 'empty strings', topic: events.name, bytes: inEvent(repeated([0x22, 0], size - 200)) },
    { what: 'short strings', topic: events.name, bytes: inEvent(repeated([0x22, 1, 0x61], size - 200)) },
    { what: 'unknown fields', topic: events.name, bytes: inEvent(repeated([0xf8, 0x7f, 1], size - 200)) },
    { what: 'unknown groups', topic: events.name, bytes: inEvent(repeated([0xfb, 0x7f, 0xfc, 0x7f], size - 200)) },
    { what: 'empty arguments', topic: Victim.rpc.read.topic, bytes: request(repeated([0x2a, 0], size - 100)) },
    { what: 'JSON of lists', topic: Victim.rpc.read.topic, bytes: jsonArgument(`[${text('[],')}0]`) },
    { what: 'JSON of objects', topic: Victim.rpc.read.topic, bytes: jsonArgument(`[${text('{"":{}},')}0]`) },
    { what: 'JSON of depth', topic: Victim.rpc.read.topic, bytes: jsonArgument(text('[')) },
  ].filter(({ bytes }) => bytes.length <= size);
}

const SMALL_BOMBS = bombs(16_384);
const NESTED = [101, 1_000, 20_000].flatMap((depth) => [1, 2, 5].map((number) => nested(number, depth)));
const LENGTHS = [
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
];
const JSONS = [
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  `${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}`,
  `[${'1e308,'.repeat(500)}1e999]`,
  `"${'\\u0000'.repeat(500)}"`,
  `{${Array.from({ length: 500 }, (_, index) => `"${index}":null`).join(',')}}`,
  '\ufeff{}',
  '{"a":1,}',
  '',
];

/** Bytes for a topic that are not what it carries, of a kind that chance chooses. */
export function hostileBytes(topic: string, random: Random): Uint8Array {
  const model = valid[topic] ?? utf8.encode('plain text');
  switch (random.below(8)) {
    case 0:
      return random.bytes(random.below(300));
    case 1:
      return model.slice(0, random.below(model.length));
    case 2:
    case 3:
      return flipped(model, random);
    case 4:
      return random.pick(NESTED);
    case 5:
      return Uint8Array.from([...model, ...[0x12, 0x0a, 0x2a, 0x38], ...random.pick(LENGTHS), ...random.bytes(3)]);
    case 6:
      // The shape of one kind at the place of another.
      return random.pick(SMALL_BOMBS).bytes;
    default: {
      const value = field(7, utf8.encode(random.pick(JSONS)));
      return Uint8Array.from([...field(1, utf8.encode('read')), ...field(5, value)]);
    }
  }
}

function flipped(model: Uint8Array, random: Random): Uint8Array {
  const bytes = new Uint8Array(model);
  for (let flips = 1 + random.below(4); flips > 0; flips--) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  }
  return bytes;
}
