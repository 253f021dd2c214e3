import type { Random } from '../run/random.js';

/** Subjects on which nobody here publishes: what arrives there was smuggled in. */
export const EVIL = 'evil';

/** What means something to NATS, to JavaScript or to a terminal. */
const SEEDS = [
  `a 0\r\n\r\nPUB ${EVIL}.a 3\r\nbad\r\n`,
  `\r\nPUB ${EVIL}.b 0\r\n\r\n`,
  '\r\nSUB > 99\r\n',
  '\r\nCONNECT {}\r\n',
  '\r\nUNSUB 1\r\n',
  `${EVIL} reply`,
  `x\tPUB ${EVIL}.c 0`,
  '\n',
  '\r',
  '\0',
  'a\0b',
  '\u0007',
  '\u001b[31mred\u001b[0m',
  '\u0085',
  '\u009b31m',
  '\u2028',
  '\u2029',
  '\u007f',
  ' ',
  '\t',
  '\u00a0',
  '\u3000',
  '*',
  '>',
  'a.*',
  'a.>',
  '*.*',
  '>.a',
  'a.*.b',
  '.',
  '..',
  '.a',
  'a.',
  'a..b',
  '$JS.API.STREAM.DELETE.S',
  '$JS.API.CONSUMER.MSG.NEXT.S.c',
  '$JS.ACK.S.c.1.1.1.1.1',
  '$SYS.REQ.SERVER.PING',
  '$SRV.PING',
  '$KV.bucket.key',
  '$G',
  '_INBOX.x',
  '_INBOX.aaaaaaaaaaaaaaaaaaaaaa.1',
  '_REPLY.terabus.00000000000000000000000000000000.1',
  '_REPLY',
  '_R_.abcdef.1',
  '@x',
  '@other.soak.events',
  '@',
  '%',
  '%2E',
  '%0D%0A',
  '%24JS.API.INFO',
  '%2A',
  '{uuid}',
  '{',
  '${process.exit(1)}',
  'constructor',
  '__proto__',
  'prototype',
  'toString',
  'hasOwnProperty',
  '__defineGetter__',
  'valueOf',
  'then',
  'onStart',
  'Nats-Rollup',
  'nats-rollup',
  'NATS-MSG-ID',
  'Nats-Expected-Last-Sequence',
  'Terabus-Epoch',
  'terabus-timeout-ms',
  'TERABUS-ABANDONED',
  'Status',
  // Look-alikes of dots, stars, dollars, and what can't be seen.
  '＄JS.API.INFO',
  '﹩JS.API.INFO',
  '＿INBOX.x',
  '＠x.y',
  'a․b',
  'a。b',
  'a．b',
  '＊',
  '∗',
  '﹥',
  '＞',
  '\u202emodule',
  '\u200b',
  '\u200d',
  '\ufeff',
  'ｍodule.Soak',
  'é',
  'e\u0301',
  '😀',
  '\ud800',
  'a\udc00',
  '',
  'x'.repeat(64),
  'x'.repeat(255),
  'x'.repeat(256),
  'x'.repeat(5_000),
  'é'.repeat(100),
  '{"level":60,"msg":"forged"}',
  `"}\n{"level":60,"msg":"forged"}\n`,
];

const PIECES = ['.', '*', '>', '$', '_', '@', '%', ' ', '\r\n', '\0', '\t', 'JS', 'API', '-', 'a', 'é', '\u2028', '"'];

/** A text that means harm: each of the known ones, then those known ones joined and changed. */
export function hostileText(n: number, random: Random): string {
  if (n < SEEDS.length) return SEEDS[n] as string;
  switch (random.below(4)) {
    case 0:
      return random.pick(SEEDS) + random.pick(SEEDS);
    case 1:
      return `ok${random.pick(SEEDS)}`;
    case 2:
      return Array.from({ length: 1 + random.below(8) }, () => random.pick(PIECES)).join('');
    default: {
      const text = [...random.pick(SEEDS)];
      text.splice(random.below(text.length + 1), 0, random.pick(PIECES));
      return text.join('');
    }
  }
}
