import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkedStoreSubject } from './namespace.js';
import { topicFor } from './own.js';
import { checkPattern, checkStorePattern } from './pattern.js';

describe('subjects that are Terabus’ own', () => {
  it('reach nobody but who asks for live copies, under the topic of the original', () => {
    const seen = (pattern: string) =>
      ['a', '_LIVE.a', '_LIVE.%24a.b', '_RETRY.a', '_DEAD.a', '_REPLY.a.b.1', '$JS.ACK.a', '@prod.a'].map((subject) =>
        topicFor(pattern, subject),
      );
    const nobody = Array.from({ length: 5 }, () => undefined);
    expect(seen('>')).to.deep.equal(['a', undefined, undefined, ...nobody]);
    expect(seen('_LIVE.>')).to.deep.equal([undefined, 'a', '$a.b', ...nobody]);
  });

  it('are patterns behind _LIVE alone, and patterns of a stream behind _RETRY and _DEAD', () => {
    checkPattern('_LIVE.a.*');
    for (const pattern of ['_RETRY.a.*', '_DEAD.>', 'a.>']) checkStorePattern(pattern);
    for (const pattern of ['_LIVE', '_LIVE.', '_LIVE._LIVE.a', '_RETRY.a', '_REPLY.a']) {
      expect(() => checkPattern(pattern), pattern).to.throw('is not a pattern');
    }
    for (const pattern of ['_RETRY', '_RETRY.', '_RETRY._DEAD.a', '_REPLY.>', 7]) {
      expect(() => checkStorePattern(pattern), `${pattern}`).to.throw('is not a pattern');
    }
  });

  it('may be stored at, as topics may, and nowhere else', () => {
    for (const subject of ['a.b', '_RETRY.a.b', '_DEAD.a.b']) {
      expect(checkedStoreSubject(subject, 'prod')).to.equal(`@prod.${subject}`);
    }
    for (const subject of ['', '_LIVE.a', '_RETRY', '$JS.API.INFO', '_RETRY.a b', 'a.*', 7 as unknown as string]) {
      expect(() => checkedStoreSubject(subject), `${subject}`).to.throw('is not');
    }
    expect(() => checkedStoreSubject('a'.repeat(256))).to.throw('256 bytes');
  });
});
