import { expect } from 'chai';
import { describe, it } from 'mocha';
import { formatAbandoned } from './abandoned.js';
import type { SequenceStamp } from './sequencer.js';
import { Sequencer } from './sequencer.js';

describe('Sequencer', () => {
  it('counts from 1 for each destination', () => {
    const sequencer = newSequencer();
    const stamps = ['a', 'a', 'b', 'a'].map((destination) => shown(sequencer.next(destination)));
    expect(stamps).to.deep.equal(['a e1 1', 'a e1 2', 'b e1 1', 'a e1 3']);
  });

  it('knows the last number given', () => {
    const sequencer = newSequencer();
    expect(sequencer.last('a')).to.equal(undefined);
    sequencer.next('a');
    sequencer.abandon(sequencer.next('a'));
    expect(shown(sequencer.last('a'))).to.equal('a e1 2 abandoned 2');
    expect(shown(sequencer.last('a'))).to.equal('a e1 2 abandoned 2');
  });

  it('names an abandoned number until a message that names it was handed over', () => {
    const sequencer = newSequencer();
    const log: string[] = [];
    const publish = (outcome: 'sent' | 'abandon') => {
      const stamp = sequencer.next('a');
      log.push(`${shown(stamp)}: ${outcome}`);
      sequencer[outcome](stamp);
    };
    for (const outcome of ['sent', 'abandon', 'abandon', 'sent', 'abandon', 'sent', 'sent'] as const) publish(outcome);
    expect(log).to.deep.equal([
      'a e1 1: sent',
      'a e1 2: abandon',
      'a e1 3 abandoned 2: abandon',
      'a e1 4 abandoned 2-3: sent',
      'a e1 5: abandon',
      'a e1 6 abandoned 5: sent',
      'a e1 7: sent',
    ]);
  });

  it('names again what a message named that turned out unconfirmed after it was sent', () => {
    const sequencer = newSequencer();
    sequencer.abandon(sequencer.next('a'));
    const naming = sequencer.next('a');
    sequencer.sent(naming);
    sequencer.abandon(naming);
    expect(shown(sequencer.next('a'))).to.equal('a e1 3 abandoned 1-2');
  });

  it('keeps what was abandoned while a message was in flight', () => {
    const sequencer = newSequencer();
    sequencer.abandon(sequencer.next('a'));
    const [two, three] = [sequencer.next('a'), sequencer.next('a')];
    sequencer.abandon(three);
    sequencer.sent(two);
    expect(shown(sequencer.next('a'))).to.equal('a e1 4 abandoned 3');
  });

  it('names in a message again what a heartbeat named, which may have been lost', () => {
    const sequencer = newSequencer();
    sequencer.abandon(sequencer.next('a'));
    expect(shown(sequencer.last('a'))).to.equal('a e1 1 abandoned 1');
    expect(shown(sequencer.next('a'))).to.equal('a e1 2 abandoned 1');
  });

  it('names in heartbeats what a message has named, which may have been lost, as long as anybody can use it', () => {
    const sequencer = newSequencer();
    sequencer.abandon(sequencer.next('a'));
    sequencer.sent(sequencer.next('a'));
    expect(shown(sequencer.last('a'))).to.equal('a e1 2 abandoned 1');
    for (let n = 3; n <= 1_100; n++) sequencer.sent(sequencer.next('a'));
    sequencer.abandon(sequencer.next('a'));
    sequencer.sent(sequencer.next('a'));
    expect(shown(sequencer.last('a'))).to.equal('a e1 1102 abandoned 1101');
  });

  it('names at most 64 ranges in a heartbeat, the newest', () => {
    const sequencer = newSequencer();
    for (let n = 0; n < 70; n++) {
      sequencer.abandon(sequencer.next('a'));
      sequencer.sent(sequencer.next('a'));
    }
    expect(sequencer.last('a')?.abandoned).to.have.length(64);
    expect(sequencer.last('a')?.abandoned.at(-1)).to.deep.equal({ first: 139, last: 139 });
  });

  it('names 64 ranges in a message and the rest in the next', () => {
    const sequencer = newSequencer();
    const stamps = Array.from({ length: 140 }, () => sequencer.next('a'));
    for (const stamp of stamps) if (stamp.seq % 2 === 0) sequencer.abandon(stamp);
    const [one, two] = [sequencer.next('a'), sequencer.next('a')];
    expect(one.abandoned).to.have.length(64);
    sequencer.sent(one);
    sequencer.sent(two);
    expect(shown(sequencer.next('a'))).to.equal('a e1 143 abandoned 130,132,134,136,138,140');
  });

  it('takes a new epoch where it would have to keep too many', () => {
    const sequencer = newSequencer();
    const stamps = Array.from({ length: 2_050 }, () => sequencer.next('a'));
    for (const stamp of stamps) if (stamp.seq % 2 === 0) sequencer.abandon(stamp);
    expect(shown(sequencer.next('a'))).to.equal('a e2 1');
  });

  it('takes a new epoch for a destination that it had to forget, and for no other', () => {
    const sequencer = newSequencer(2);
    const log = ['a', 'b', 'a', 'c', 'a', 'b', 'd', 'b', 'c'].map((destination) => shown(sequencer.next(destination)));
    expect(log).to.deep.equal([
      'a e1 1',
      'b e1 1',
      'a e1 2',
      'c e2 1', // b is forgotten
      'a e1 3',
      'b e3 1', // c is forgotten
      'd e3 1', // a is forgotten: e1 is not given any more
      'b e3 2',
      'c e4 1', // d is forgotten
    ]);
  });

  it('ignores what becomes of messages of a past epoch', () => {
    const sequencer = newSequencer(1);
    const old = sequencer.next('a');
    sequencer.next('b');
    sequencer.abandon(old);
    expect(shown(sequencer.next('a'))).to.equal('a e3 1');
    sequencer.abandon(old);
    sequencer.sent(old);
    expect(shown(sequencer.next('a'))).to.equal('a e3 2');
  });
});

function newSequencer(maxDestinations?: number): Sequencer {
  let epochs = 0;
  return new Sequencer({ newEpoch: () => `e${++epochs}`, maxDestinations });
}

function shown(stamp: SequenceStamp | undefined): string {
  if (stamp === undefined) return 'nothing';
  const abandoned = formatAbandoned(stamp.abandoned);
  return `${stamp.destination} ${stamp.epoch} ${stamp.seq}${abandoned === undefined ? '' : ` abandoned ${abandoned}`}`;
}
