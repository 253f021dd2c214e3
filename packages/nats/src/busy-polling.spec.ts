import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { BusyPolling } from './busy-polling.js';

describe('busy polling', () => {
  let now: number;
  let next: (() => void)[];
  let polling: BusyPolling;

  beforeEach(() => {
    now = 0;
    next = [];
    polling = new BusyPolling({ elapsed: () => now }, (callback) => next.push(callback));
  });

  /** The event loop turns once, if somebody wants it to. */
  const turn = () => {
    for (const callback of next.splice(0)) callback();
  };

  /** One wait; tells whether the event loop kept turning. */
  const wait = (lastsMs: (polls: boolean) => number, turns = 1) => {
    polling.begin();
    const polls = next.length > 0;
    now += lastsMs(polls);
    for (let turned = 0; turned < turns; turned++) turn();
    polling.end();
    turn();
    return polls;
  };

  /** In how many of 2,039 waits the event loop kept turning. */
  const polled = (lastsMs: (polls: boolean) => number, turns?: number) =>
    Array.from({ length: 2_039 }, () => wait(lastsMs, turns)).filter(Boolean).length;

  const shorter = (polls: boolean) => (polls ? 0.15 : 0.3);
  const longer = (polls: boolean) => (polls ? 0.3 : 0.15);

  it('is what happens where it makes for shorter waits, but for 160 trials of the other way', () => {
    expect(polled(shorter)).to.equal(2_039 - 160);
  });

  it('stays with 160 trials where it makes for longer waits', () => {
    expect(polled(longer)).to.equal(160);
  });

  it('stays with trials where it spares less than 15 %', () => {
    expect(polled((polls) => (polls ? 0.26 : 0.3))).to.equal(160);
  });

  it('stays with trials where most waits are shorter, but one of three is longer', () => {
    let waits = 0;
    expect(polled((polls) => (waits++ % 3 === 0 ? 10 * longer(polls) : shorter(polls)))).to.equal(160);
  });

  it('stays with trials where answers take longer than it lasts, however much their times differ', () => {
    let waits = 0;
    // By chance those of the trials that polled.
    expect(polled(() => (waits++ < 160 ? 5 : 50), 513)).to.equal(160);
  });

  it('stays with trials where no answer came', () => {
    let polls = 0;
    for (let waits = 0; waits < 2_039; waits++) {
      polling.begin();
      if (next.length > 0) polls += 1;
      while (next.length > 0) turn();
    }
    expect(polls).to.equal(160);
  });

  it('takes notice within 2,039 waits when that changes', () => {
    for (let cycle = 0; cycle < 5; cycle++) polled(shorter);
    expect([polled(longer), polled(shorter)]).to.deep.equal([160, 1_879]);
  });

  it('does not mind a wait now and then that takes long, or no time', () => {
    let waits = 0;
    expect(polled((polls) => [1_000, 0][waits++ % 24] ?? shorter(polls))).to.equal(1_879);
  });

  it('does not count the first trials, in which processes are where they were', () => {
    let waits = 0;
    const isLong = () => waits % 160 < 32 || waits % 8 === 0;
    const lastsMs = (polls: boolean) => {
      const ms = isLong() ? 10 * longer(polls) : shorter(polls);
      waits += 1;
      return ms;
    };
    expect(polled(lastsMs)).to.equal(1_879);
  });

  it('ends with 512 turns, for what takes longer costs no more', () => {
    polling.begin();
    let turns = 0;
    for (; next.length > 0; turns++) turn();
    expect(turns).to.equal(513);
  });

  it('ends with the answer', () => {
    polling.begin();
    turn();
    polling.end();
    turn();
    expect(next).to.have.length(0);
  });

  it('turns once a turn where the next wait begins before it has ended', () => {
    polling.begin();
    polling.end();
    polling.begin();
    expect(next).to.have.length(1);
  });

  it('takes an answer that nobody has begun to wait for as none', () => {
    const waits = () => {
      const polls = wait(shorter);
      now += 1_000;
      // To a request that was sent while another one was awaited.
      polling.end();
      return polls;
    };
    expect(Array.from({ length: 2_039 }, waits).filter(Boolean)).to.have.length(1_879);
  });
});
