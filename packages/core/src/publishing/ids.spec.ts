import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decodeTime, isValid } from 'ulid';
import { ulids } from './ids.js';

describe('the ids of messages', () => {
  const at = (...times: number[]) => {
    let index = 0;
    const newId = ulids({ now: () => times[Math.min(index++, times.length - 1)] as number });
    return (count: number) => Array.from({ length: count }, newId);
  };

  it('are ULIDs of their time', () => {
    for (const time of [0, 1, 1_023, 1_024, 1_795_000_000_000, 2 ** 48 - 1]) {
      const [id = ''] = at(time)(1);
      expect(isValid(id), id).to.equal(true);
      expect(decodeTime(id)).to.equal(time);
    }
  });

  it('grow within a millisecond, over each carry', () => {
    const ids = at(1_795_000_000_000)(5_000);
    expect(ids).to.deep.equal([...ids].sort());
    expect(new Set(ids)).to.have.length(5_000);
  });

  it('grow when the clock goes back', () => {
    const ids = at(1_795_000_000_005, 1_795_000_000_000, 1_795_000_000_004, 1_795_000_000_006)(4);
    expect(ids).to.deep.equal([...ids].sort());
    expect(ids.map(decodeTime)).to.deep.equal([5, 5, 5, 6].map((ms) => 1_795_000_000_000 + ms));
  });

  it('have another random part in each millisecond, also when the random bytes are used up', () => {
    const ids = at(...Array.from({ length: 2_000 }, (_, n) => n + 1))(2_000);
    expect(new Set(ids.map((id) => id.slice(10)))).to.have.length(2_000);
  });

  it('differ between makers that begin in one millisecond', () => {
    expect(at(1)(1)).not.to.deep.equal(at(1)(1));
  });
});
