import { checkedSubject } from '@terabus/core/transport';
import fc from 'fast-check';

/** Topics that somebody might use to get somewhere, or that break what assumes decent names. */
const NOTORIOUS = [
  '$JS.API.STREAM.DELETE.S',
  '$SYS.REQ.SERVER.PING',
  '_INBOX.x',
  '_INBOX.A1b2C3d4E5f6G7h8I9j0Kl',
  '_REPLY.a.00000000000000000000000000000000.1',
  '_R_.x',
  '@prod.module.X.events',
  '%24JS.API.INFO',
  '%',
  '%%',
  '.',
  '..',
  'a..b',
  '.a',
  'a.',
  'a b',
  ' ',
  '\t',
  '*',
  '>',
  'a.*',
  'a.>',
  '*.a',
  '>.a',
  'a*b',
  '\0',
  'a\0b',
  'a\r\nb',
  'a 0\r\n\r\nPUB evil 3\r\nbad\r\n',
  'a\r\nSUB > 1\r\n',
  'é',
  'é',
  '😀.👩‍👩‍👧',
  '\u2028',
  '\ufeff',
  '\u202emodule',
  'constructor',
  '__proto__',
  'module.TeraServer.UserManagerModule.events',
  'service.Clé du service.rpc',
  'x'.repeat(200),
  `${'a.'.repeat(99)}a`,
];

const pieces = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('.', '*', '>', '%', '$', '_', '@', ' ', '\r\n', '\0', '%2E', '-', 'JS', 'API'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
);

const topics = fc
  .array(pieces, { minLength: 1, maxLength: 12 })
  .map((list) => list.join(''))
  .filter(isTopic);

/** `count` different topics: the notorious ones, then samples that are the same for the same seed. */
export function strangeTopics(count: number, seed: number): string[] {
  const samples = fc.sample(topics, { seed, numRuns: 2 * count });
  return [...new Set([...NOTORIOUS, ...samples])].slice(0, count);
}

function isTopic(text: string): boolean {
  try {
    checkedSubject(text, 'blue');
    return true;
  } catch {
    return false;
  }
}
