import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { intersection, NO_RANGES, type SequenceRanges, sizeOf, span, union, without } from './ranges.js';
import { distance, MAX_SEQ, step } from './serial.js';

describe('sequence numbers', () => {
  it('skip 0 at the wrap, both ways', () => {
    expect(step(MAX_SEQ, 1)).to.equal(1);
    expect(step(1, -1)).to.equal(MAX_SEQ);
    expect(step(MAX_SEQ - 1, 5)).to.equal(4);
    expect(step(1, MAX_SEQ)).to.equal(1);
  });

  it('lie ahead or behind by the shorter way', () => {
    expect(distance(5, 7)).to.equal(2);
    expect(distance(7, 5)).to.equal(-2);
    expect(distance(MAX_SEQ, 1)).to.equal(1);
    expect(distance(1, MAX_SEQ)).to.equal(-1);
    expect(distance(1, 2 ** 31)).to.equal(2 ** 31 - 1);
    expect(distance(1, 2 ** 31 + 1)).to.equal(-(2 ** 31 - 1));
  });

  it('are stepped by their distance', () => {
    const anySeq = fc.integer({ min: 1, max: MAX_SEQ });
    fc.assert(fc.property(anySeq, anySeq, (a, b) => expect(step(a, distance(a, b))).to.equal(b) && undefined));
  });
});

describe('sequence ranges', () => {
  it('span the wrap as two', () => {
    expect(span(MAX_SEQ - 1, 4)).to.deep.equal([
      { first: 1, last: 2 },
      { first: MAX_SEQ - 1, last: MAX_SEQ },
    ]);
    expect(span(3, 1)).to.deep.equal([{ first: 3, last: 3 }]);
    expect(span(3, 0)).to.equal(NO_RANGES);
  });

  it('agree with sets', () => {
    const anyNumbers = fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { maxLength: 24 });
    fc.assert(
      fc.property(anyNumbers, anyNumbers, (a, b) => {
        expect(union(rangesOf(a), rangesOf(b))).to.deep.equal(rangesOf([...a, ...b]));
        expect(without(rangesOf(a), rangesOf(b))).to.deep.equal(rangesOf(a.filter((n) => !b.includes(n))));
        expect(intersection(rangesOf(a), rangesOf(b))).to.deep.equal(rangesOf(a.filter((n) => b.includes(n))));
        expect(sizeOf(rangesOf(a))).to.equal(a.length);
      }),
      { numRuns: 1_000 },
    );
  });
});

function rangesOf(numbers: readonly number[]): SequenceRanges {
  const ranges: { first: number; last: number }[] = [];
  for (const n of [...new Set(numbers)].sort((x, y) => x - y)) {
    const last = ranges.at(-1);
    if (last?.last === n - 1) last.last = n;
    else ranges.push({ first: n, last: n });
  }
  return ranges;
}
