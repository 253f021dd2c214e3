import { expect } from 'chai';
import { describe, it } from 'mocha';
import { encodeTime } from 'ulid';
import { hasBegun, readEpoch } from './epoch.js';

describe('an epoch', () => {
  const rest = 'ZZZZZZZZZZZZZZZZ';

  it('is a ULID; anything else is none', () => {
    for (const text of ['01JGFJJZ00000000000000000A', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', '0'.repeat(26)]) {
      expect(readEpoch(text)).to.equal(text);
    }
    const others = [
      undefined,
      '',
      'A',
      'Z'.repeat(26),
      '01jgfjjz00000000000000000a',
      '01JGFJJZ0000000000000000I0',
      '01JGFJJZ00000000000000000A\n',
    ];
    for (const text of others) expect(readEpoch(text)).to.equal(undefined);
  });

  it('has begun if its time is not more than a day ahead', () => {
    const nowMs = Date.UTC(2025, 0, 1);
    const dayMs = 24 * 60 * 60 * 1_000;
    const begun = (ms: number) => hasBegun(encodeTime(ms, 10) + rest, nowMs);
    expect([begun(0), begun(nowMs), begun(nowMs + dayMs), begun(nowMs + dayMs + 1), begun(2 ** 48 - 1)]).to.deep.equal([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
