import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { VirtualClock } from '../transport/memory/virtual-clock.js';
import { Turn } from './turn.js';

describe('a turn of the event loop', () => {
  let clock: VirtualClock;
  let log: string[];
  let turns: number;

  beforeEach(() => {
    clock = new VirtualClock();
    log = [];
    turns = 0;
  });

  const loopTurned = () => new Promise((resolve) => setImmediate(resolve));

  /** A queue that has so many jobs. */
  const queue = (name: string, jobs: number) => {
    const turn = Turn.of(clock);
    let left = jobs;
    const pump = () => {
      let count = 0;
      for (; left > 0; left -= 1, count += 1) if (!turn.takes(clock.elapsed(), pump)) break;
      if (count > 0) log.push(`${name}: ${count} in turn ${turns}`);
    };
    return pump;
  };

  const turnUntilDone = async (jobs: number) => {
    const done = () => log.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
    for (; done() < jobs && turns < 20; turns += 1) await loopTurned();
  };

  it('has room for so many jobs of all queues together', async () => {
    queue('a', 3_000)();
    queue('b', 3_000)();
    expect(log).to.deep.equal(['a: 3000 in turn 0', 'b: 1096 in turn 0']);
    await turnUntilDone(6_000);
    expect(log).to.have.length(3);
  });

  it('lets nobody wait for ever beside those who always have more', async () => {
    queue('flood', 20_000)();
    queue('another', 20_000)();
    queue('one', 1)();
    await turnUntilDone(40_001);
    expect(log.findIndex((line) => line.startsWith('one: 1'))).to.be.within(0, 3);
  });

  it('is over after some milliseconds too', async () => {
    const turn = Turn.of(clock);
    expect(turn.takes(0, () => log.push('on'))).to.equal(true);
    expect(turn.takes(4.9, () => log.push('on'))).to.equal(true);
    expect(turn.takes(5, () => log.push('on'))).to.equal(false);
    // Whoever asks now waits too, whatever time it thinks it is.
    expect(turn.takes(1, () => log.push('on'))).to.equal(false);
    await loopTurned();
    expect(log).to.deep.equal(['on', 'on']);
  });

  it('is another one for another clock', () => {
    expect(Turn.of(clock)).to.equal(Turn.of(clock));
    expect(Turn.of(new VirtualClock())).not.to.equal(Turn.of(clock));
  });
});
