import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { failure, message } from '../messages.js';
import type { Suite } from '../suite.js';

const TOPICS = ['a', 'aa.b', 'A.b', 'a.b', 'a.c', 'a.b.c', 'a.b.c.d', 'b', 'b.a.c', 'a.', '.a', 'a.*', 'a.>'];

/** Every pattern with those of the topics that it matches. */
const MATCHES: Record<string, string[]> = {
  a: ['a'],
  'a.b': ['a.b'],
  'a.*': ['a.b', 'a.c', 'a.', 'a.*', 'a.>'],
  '*.b': ['aa.b', 'A.b', 'a.b'],
  '*': ['a', 'b'],
  'a.*.c': ['a.b.c'],
  '*.*.c': ['a.b.c', 'b.a.c'],
  'a.>': ['a.b', 'a.c', 'a.b.c', 'a.b.c.d', 'a.', 'a.*', 'a.>'],
  'a.b.>': ['a.b.c', 'a.b.c.d'],
  '*.>': TOPICS.filter((topic) => topic.includes('.')),
  'a.*.>': ['a.b.c', 'a.b.c.d'],
  '>': TOPICS,
  // An empty token, and wildcards that are part of a name.
  'a.%': ['a.'],
  '%.*': ['.a'],
  'a.%2A': ['a.*'],
  'a.%3E': ['a.>'],
};

export function wildcards({ connect }: Suite): void {
  describe('patterns', () => {
    for (const [pattern, matching] of Object.entries(MATCHES)) {
      it(`${pattern} matches ${matching.length} of ${TOPICS.length} topics`, async () => {
        const [alice, bob] = [await connect(), await connect()];
        const listener = await listen(bob, pattern);
        for (const topic of TOPICS) await alice.publish(message(topic));
        expect(await listener.topicsFrom(alice)).to.deep.equal([...matching].sort());
      });
    }

    for (const pattern of [
      '',
      ' ',
      'a b',
      'a..b',
      '.a',
      'a.',
      '>.a',
      'a.>.b',
      'a*',
      'a.b>',
      '**',
      '$JS.>',
      '_INBOX.*',
    ]) {
      it(`${JSON.stringify(pattern)} is none and is refused`, async () => {
        const alice = await connect();
        expect(await failure(listen(alice, pattern))).to.be.busError('TERABUS_PATTERN_INVALID');
      });
    }
  });
}
