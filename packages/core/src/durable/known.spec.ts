import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { StreamDelivery } from '../transport/streams.js';
import { Known } from './known.js';

const delivery = (sequence: number, storedAt = 5) => ({ sequence, storedAt }) as StreamDelivery;

describe('what was settled last', () => {
  it('is known by its number, and by when it was stored', () => {
    const known = new Known();
    known.add(delivery(1));
    expect(known.has(delivery(1))).to.equal(true);
    expect(known.has(delivery(2))).to.equal(false);
    expect(known.has(delivery(1, 6))).to.equal(false);
  });

  it('is known for 10,000 more, and forgotten by the 20,000th', () => {
    const known = new Known();
    for (let sequence = 1; sequence <= 25_000; sequence++) known.add(delivery(sequence));
    expect(known.has(delivery(15_001))).to.equal(true);
    expect(known.has(delivery(5_000))).to.equal(false);
  });

  it('is contradicted by another message of its number, unless all is later: a stream that was made anew', () => {
    const known = new Known();
    for (const sequence of [1, 2, 3]) known.add(delivery(sequence, sequence * 10));
    expect(known.contradicts(delivery(1, 10))).to.equal(false);
    expect(known.contradicts(delivery(4, 15))).to.equal(false);
    expect(known.contradicts(delivery(1, 20))).to.equal(true);
    expect(known.contradicts(delivery(1, 31))).to.equal(false);
    expect(known.has(delivery(2, 20))).to.equal(false);
  });
});
