import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { chooseSeed, type SeededRandom, seededRandom } from './seeded-random.js';

const draw = (random: SeededRandom, count = 5) => Array.from({ length: count }, () => random.next());

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    expect(draw(seededRandom(7))).to.deep.equal(draw(seededRandom('7')));
    expect(draw(seededRandom(7))).not.to.deep.equal(draw(seededRandom(8)));
    // Another machine, another version: a seed that somebody wrote down stays what it is.
    const random = seededRandom(7);
    const hundreds = Array.from({ length: 6 }, () => random.integer(0, 99));
    expect(hundreds).to.deep.equal([50, 60, 51, 94, 58, 39]);
  });

  it('draws evenly', () => {
    const random = seededRandom('even');
    const counts = Array(10).fill(0);
    for (let i = 0; i < 10_000; i += 1) counts[random.integer(0, 9)] += 1;
    for (const count of counts) expect(count).to.be.within(850, 1150);
    const hits = Array.from({ length: 10_000 }, () => random.chance(0.2)).filter(Boolean);
    expect(hits.length).to.be.within(1850, 2150);
    expect(draw(random, 1000).every((value) => value >= 0 && value < 1)).to.equal(true);
  });

  it('is certain where there is no choice', () => {
    const random = seededRandom(1);
    expect([random.integer(3, 3), random.pick(['x']), random.chance(0), random.chance(1)]).to.deep.equal([
      3,
      'x',
      false,
      true,
    ]);
  });

  it('forks by name, whatever was drawn', () => {
    const random = seededRandom(1);
    const early = draw(random.fork('a'));
    draw(random);
    expect(draw(random.fork('a'))).to.deep.equal(early);
    expect(draw(random.fork('b'))).not.to.deep.equal(early);
  });

  it('refuses what makes no sense', () => {
    const random = seededRandom(1);
    expect(() => seededRandom('')).to.throw(RangeError, 'a seed is a finite number or a text, and not ""');
    expect(() => seededRandom(Number.NaN)).to.throw(RangeError, 'a seed is');
    expect(() => random.integer(2, 1)).to.throw(RangeError, 'integer(2, 1)');
    expect(() => random.integer(0, 0.5)).to.throw(RangeError, 'integer(0, 0.5)');
    expect(() => random.chance(1.1)).to.throw(RangeError, 'a probability lies between 0 and 1');
    expect(() => random.pick([])).to.throw(RangeError, 'nothing to pick from');
  });
});

describe('chooseSeed', () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env['TERABUS_SEED'];
    delete process.env['TERABUS_SEED'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TERABUS_SEED'];
    else process.env['TERABUS_SEED'] = before;
  });

  it('takes the given seed, or a new one', () => {
    expect(chooseSeed(5)).to.equal('5');
    expect(chooseSeed()).to.match(/^\d+$/);
    expect(new Set(Array.from({ length: 10 }, () => chooseSeed())).size).to.be.above(1);
  });

  it('is overruled by the environment', () => {
    process.env['TERABUS_SEED'] = '99';
    expect([chooseSeed(5), chooseSeed(), seededRandom().seed]).to.deep.equal(['99', '99', '99']);
    expect(seededRandom(5).seed, 'a source made from a seed of its own').to.equal('5');
  });
});
