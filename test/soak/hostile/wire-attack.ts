import type { Random } from '../run/random.js';
import type { Wire } from '../run/wire.js';
import { hostileBytes } from './bytes.js';
import { blobs, events, texts, Victim } from './service.js';

const TOPICS = [events.name, Victim.messages.name, texts.name, blobs.name, Victim.rpc.echo.topic];

const block = (...lines: readonly string[]) => `NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

/** Blocks of headers that a server passes on, whatever they are. */
const HEADERS = [
  block('Bad Name: x'),
  block(': no name'),
  block('no colon'),
  block('Name\u00e9: x'),
  block('A: \u00ff\u00fe'),
  block('A: 1', 'A: 2', 'a: 3'),
  block('__proto__: x', 'constructor: y', 'toString: z'),
  block(`Long: ${'x'.repeat(8_000)}`),
  block(...Array.from({ length: 500 }, (_, index) => `H${index}: ${index}`)),
  block('Terabus-Message-Id: not an id', 'Terabus-Cause-Id: \u001b[31m', 'traceparent: nonsense', 'tracestate: \u0007'),
  block(`Terabus-Epoch: ${'Z'.repeat(300)}`, 'Terabus-Abandoned: 1-4294967295'),
  block('Terabus-Abandoned: 5,4,3,-1,1e9,99999999999'),
  block(`Terabus-Abandoned: ${'1,'.repeat(3_000)}`),
  block('Terabus-Timeout-Ms: -1'),
  block('Terabus-Timeout-Ms: 1e999'),
  block('Terabus-Timeout-Ms: NaN', 'Nats-Rollup: all', 'Nats-Expected-Last-Sequence: 9'),
  'NATS/1.0 503\r\n\r\n',
  'NATS/1.0 100 Idle Heartbeat\r\n\r\n',
  'NATS/1.0 999999999999 x\r\n\r\n',
  'NATS/1.0',
  'NATS/1.0\r\n',
  'HTTP/1.1 200 OK\r\n\r\n',
  '\r\n\r\n',
  '\u0000\u0000',
];

/** Where an answer must not go. */
const REPLIES = [
  '$JS.API.STREAM.DELETE.S',
  '$SYS.REQ.SERVER.PING',
  '_INBOX.x',
  '_REPLY.victim.1',
  '_R_.x',
  Victim.rpc.echo.topic,
  events.name,
  `a.${'b'.repeat(1_000)}`,
];

const SUBJECTS = ['soak.hostile.%zz', 'soak.hostile.caf\u00e9', 'soak.hostile.%41', 'soak.hostile.\u0001'];

/** Sends one hostile message of a kind that chance chooses; answers how many bytes it has. */
export function attack(wire: Wire, random: Random): number {
  const topic = random.pick(TOPICS);
  const bytes = hostileBytes(topic, random);
  switch (random.below(10)) {
    case 0:
    case 1: {
      const headers = Buffer.from(random.pick(HEADERS), 'latin1');
      wire.publishWith(headers, topic, bytes);
      return bytes.length + headers.length;
    }
    case 2:
      wire.publish(topic, bytes, random.pick(REPLIES));
      return bytes.length;
    case 3:
      wire.publish(random.pick(SUBJECTS), bytes);
      return bytes.length;
    default:
      wire.publish(topic, bytes);
      return bytes.length;
  }
}

/** What a liar answers to a question, as headers and payload. Only the last of them is an answer. */
export const LIES: readonly { readonly headers?: string; readonly payload: string }[] = [
  ...HEADERS.map((headers) => ({ headers, payload: '' })),
  { payload: '' },
  { payload: '{' },
  { payload: 'null' },
  { payload: '{"status":"OK","id":1e999,"return_value":1}' },
  { payload: '{"status":"OK","method":"constructor","return_value":1}' },
  { payload: '{"status":"Error","error":{"code":"__proto__","reason":"constructor","message":5}}' },
  { payload: `${'['.repeat(50_000)}` },
  { payload: `{"status":"Error","error":{"code":"INTERNAL","message":"${'x'.repeat(100_000)}"}}` },
  { payload: '{"status":"OK","return_value":{"__proto__":{"polluted":true}}}' },
];
