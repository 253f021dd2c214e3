import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { formatAbandoned, parseAbandoned } from './abandoned.js';
import { NO_RANGES, union } from './ranges.js';
import { MAX_SEQ } from './serial.js';

describe('Terabus-Abandoned', () => {
  it('names numbers and ranges', () => {
    const ranges = [
      { first: 5, last: 5 },
      { first: 7, last: 9 },
      { first: MAX_SEQ - 1, last: MAX_SEQ },
    ];
    expect(formatAbandoned(ranges)).to.equal('5,7-9,4294967294-4294967295');
    expect(parseAbandoned('5,7-9,4294967294-4294967295')).to.deep.equal(ranges);
    expect(parseAbandoned('1-4294967295')).to.deep.equal([{ first: 1, last: MAX_SEQ }]);
  });

  it('is no header for no numbers', () => {
    expect(formatAbandoned(NO_RANGES)).to.equal(undefined);
  });

  const odd = [
    '',
    ',',
    '5,',
    ',5',
    '0',
    '-1',
    '05',
    '5-5',
    '9-7',
    '5-',
    '5,5',
    '5,6',
    '7,5',
    '5-9,8',
    ' 5',
    '5 ,7',
    '5\n',
    '1e3',
    '5.0',
    '٥',
    '4294967296',
    '1-4294967296',
    '99999999999',
  ];
  for (const text of odd) {
    it(`ignores ${JSON.stringify(text)}`, () => expect(parseAbandoned(text)).to.equal(undefined));
  }

  it('reads 64 ranges, and ignores more', () => {
    const numbers = (count: number) =>
      Array.from({ length: count }, (_, i) => `${4_000_000_000 + i * 3}-${4_000_000_001 + i * 3}`).join(',');
    expect(parseAbandoned(numbers(64))).to.have.length(64);
    expect(parseAbandoned(numbers(65))).to.equal(undefined);
    expect(parseAbandoned(Array.from({ length: 65 }, (_, i) => i * 2 + 1).join(','))).to.equal(undefined);
    expect(parseAbandoned('1'.repeat(10_000_000))).to.equal(undefined);
  });

  it('reads back what it writes', () => {
    const anyRanges = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.nat(5)), { minLength: 1, maxLength: 60 })
      .map((pairs) => pairs.map(([first, n]) => [{ first, last: first + n }]).reduce((a, b) => [...union(a, b)]));
    fc.assert(
      fc.property(anyRanges, (ranges) => {
        expect(parseAbandoned(formatAbandoned(ranges) ?? '')).to.deep.equal(ranges);
      }),
    );
  });
});
