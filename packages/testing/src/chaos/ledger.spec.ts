import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Ledger } from './ledger.js';

/** A publisher whose messages 1 to `count` were acknowledged. */
function acknowledged(publisher: string, count: number): Ledger {
  const ledger = new Ledger();
  for (let i = 0; i < count; i += 1) ledger.acknowledged(ledger.attempt(publisher));
  return ledger;
}

const see = (ledger: Ledger, publisher: string, ...numbers: number[]) => {
  for (const n of numbers) ledger.seen(`${publisher}-${n}`);
};

describe('Ledger', () => {
  it('gives ids, and finds nothing wrong when all that was acknowledged was seen', () => {
    const ledger = new Ledger();
    const ids = [ledger.attempt('a'), ledger.attempt('a'), ledger.attempt('b-1')];
    expect(ids).to.deep.equal(['a-1', 'a-2', 'b-1-1']);
    for (const id of ids) ledger.acknowledged(id);
    for (const id of ids) ledger.seen(id);
    ledger.check();
    expect(ledger.line()).to.equal(
      '3 attempted = 3 acknowledged, 0 rejected, 0 unconfirmed, 0 open; 3 seen: 0 lost, 0 duplicated, 0 unexpected, 0 recovered (rejected 0)',
    );
  });

  it('tells whether the lost ones were first, in between or last, for each publisher', () => {
    const ledger = acknowledged('a', 9);
    see(ledger, 'a', 3, 4, 6);
    for (let i = 0; i < 2; i += 1) ledger.acknowledged(ledger.attempt('b'));

    const { lost, publishers } = ledger.report();
    expect(lost).to.equal(8);
    expect(publishers['a']?.lost).to.deep.equal({ prefix: 2, middle: 1, tail: 3 });
    expect(publishers['b']?.lost, 'of a publisher that was never seen').to.deep.equal({
      prefix: 0,
      middle: 0,
      tail: 2,
    });
    expect([...ledger.ids('lost')]).to.deep.equal(['a-1', 'a-2', 'a-5', 'a-7', 'a-8', 'a-9', 'b-1', 'b-2']);
    expect(String(ledger)).to.contain('8 lost (prefix 2, middle 1, tail 5)');
    expect(JSON.parse(JSON.stringify(ledger))).to.deep.equal(ledger.report());
  });

  it('takes a message that was refused, in doubt or forgotten for no loss, and for recovered when it was seen', () => {
    const ledger = new Ledger();
    for (let i = 0; i < 6; i += 1) ledger.attempt('a');
    for (const id of ['a-1', 'a-2']) ledger.rejected(id);
    for (const id of ['a-3', 'a-4']) ledger.unconfirmed(id);
    see(ledger, 'a', 2, 4, 6);
    ledger.check();
    const { rejected, unconfirmed, open, lost, recovered, rejectedButSeen } = ledger.report();
    expect({ rejected, unconfirmed, open, lost, recovered, rejectedButSeen }).to.deep.equal({
      rejected: 2,
      unconfirmed: 2,
      open: 2,
      lost: 0,
      recovered: 3,
      rejectedButSeen: 1,
    });
    expect([...ledger.ids('recovered')]).to.deep.equal(['a-2', 'a-4', 'a-6']);
  });

  it('holds the publisher to what it learned last', () => {
    const ledger = acknowledged('a', 1);
    ledger.unconfirmed('a-1');
    expect(ledger.lost).to.equal(0);
    ledger.acknowledged('a-1');
    expect(ledger.lost).to.equal(1);
    expect(ledger.report()).to.deep.include({ attempted: 1, acknowledged: 1, unconfirmed: 0 });
  });

  it('finds what was seen twice, and what nobody sent', () => {
    const ledger = acknowledged('a', 3);
    see(ledger, 'a', 1, 2, 2, 2, 3, 4);
    see(ledger, 'ghost', 7);
    for (const text of ['', '-1', 'a-0', 'a-01', 'a--', 'a-1.5', 'a-99999999']) ledger.seen(text);
    expect(ledger.duplicated).to.equal(1);
    expect([...ledger.ids('duplicated')]).to.deep.equal(['a-2']);
    expect(ledger.unexpected).to.equal(9);
    expect([...ledger.ids('unexpected')].slice(0, 3)).to.deep.equal(['a-4', 'ghost-7', '']);
    expect(ledger.lost).to.equal(0);
  });

  it('may see a message before it hears of the attempt', () => {
    const ledger = new Ledger();
    ledger.seen('a-1');
    expect(ledger.unexpected).to.equal(1);
    ledger.attempted('a-1');
    ledger.acknowledged('a-1');
    ledger.check();
  });

  it('names the first ids of all that is wrong', () => {
    const ledger = acknowledged('a', 20);
    see(ledger, 'a', 10, 10, 21);
    expect(() => ledger.check())
      .to.throw(
        Error,
        /^20 attempted = .*; 2 seen: 19 lost \(prefix 9, middle 0, tail 10\), 1 duplicated, 1 unexpected/,
      )
      .with.property('message')
      .that.contains('\nlost: a-1, a-2, a-3, a-4, a-5, …\n')
      .and.contains('\nunexpected: a-21\n')
      .and.contains('\nduplicated: a-10');
  });

  it('lets duplicates pass on demand, and nothing else', () => {
    const ledger = acknowledged('a', 1);
    see(ledger, 'a', 1, 1);
    expect(() => ledger.check()).to.throw('duplicated: a-1');
    ledger.check({ allowDuplicates: true });
    ledger.acknowledged(ledger.attempt('a'));
    expect(() => ledger.check({ allowDuplicates: true })).to.throw('lost: a-2');
  });

  it('refuses what proves nothing, and what makes no sense', () => {
    const ledger = new Ledger();
    expect(() => ledger.check()).to.throw('Nothing was attempted');
    expect(() => ledger.attempted('no id')).to.throw(TypeError, '"no id" is no id: <publisher>-<n> is needed');
    expect(() => ledger.acknowledged('a-1')).to.throw('a-1 is acknowledged, but was not attempted');
  });

  it('keeps a million messages of a publisher in two bytes each', () => {
    const count = 1_000_000;
    const before = process.memoryUsage().arrayBuffers;
    const ledger = acknowledged('a', count);
    for (let n = count; n > 0; n -= 1) if (n % 1000 !== 0) ledger.seen(`a-${n}`);
    expect(process.memoryUsage().arrayBuffers - before).to.be.below(3 * count);
    expect(ledger.report().publishers['a']?.lost).to.deep.equal({ prefix: 0, middle: 999, tail: 1 });
  });
});
