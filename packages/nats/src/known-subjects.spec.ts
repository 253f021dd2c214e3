import { expect } from 'chai';
import { describe, it } from 'mocha';
import { KnownSubjects } from './known-subjects.js';

describe('known subjects', () => {
  it('are bounded, and those in use are kept', () => {
    const known = new KnownSubjects();
    for (let i = 0; i < 100_000; i += 1) {
      known.add(`${i}`);
      expect(known.has('0')).to.equal(true);
    }
    const kept = Array.from({ length: 100_000 }, (_, i) => `${i}`).filter((subject) => known.has(subject));
    expect(kept.length).to.be.within(10_000, 20_000);
  });

  it('are forgotten when told so', () => {
    const known = new KnownSubjects();
    known.add('a');
    known.delete('a');
    expect(known.has('a')).to.equal(false);
  });
});
