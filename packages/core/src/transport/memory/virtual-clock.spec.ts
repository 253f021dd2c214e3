import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from './event-loop.js';
import { VirtualClock } from './virtual-clock.js';

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  );
}

describe('VirtualClock', () => {
  it('starts on the first day of 2025 and stands still', async () => {
    const clock = new VirtualClock();
    await turn();
    expect(new Date(clock.now()).toISOString()).to.equal('2025-01-01T00:00:00.000Z');
    expect(clock.elapsed()).to.equal(0);
  });

  it('moves wall-clock time and monotonic time together', async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    await clock.advance(1_500);
    expect([clock.now() - start, clock.elapsed()]).to.deep.equal([1_500, 1_500]);
  });

  it('tells whole milliseconds where it moves by less, as those of a machine do', async () => {
    const clock = new VirtualClock();
    const start = clock.now();
    await clock.advance(1.9);
    expect([clock.now() - start, clock.elapsed()]).to.deep.equal([1, 1.9]);
  });

  describe('timers', () => {
    it('are called in order of time, each at its own time', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      for (const delayMs of [30, 10, 20]) clock.setTimer(delayMs, () => log.push(`${delayMs} at ${clock.elapsed()}`));
      await clock.advance(100);
      expect(log).to.deep.equal(['10 at 10', '20 at 20', '30 at 30']);
    });

    it('of one moment are called in the order in which they were set', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      clock.setTimer(10, () => log.push('first'));
      clock.setTimer(5, () => clock.setTimer(5, () => log.push('third')));
      clock.setTimer(10, () => log.push('second'));
      await clock.advance(10);
      expect(log).to.deep.equal(['first', 'second', 'third']);
    });

    it('are called when time reaches their moment, not before', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      clock.setTimer(10, () => log.push('called'));
      await clock.advance(9.5);
      expect(log).to.deep.equal([]);
      await clock.advance(0.5);
      expect(log).to.deep.equal(['called']);
    });

    it('that are set by timers count when they come due on the way', async () => {
      const clock = new VirtualClock();
      const log: number[] = [];
      const tick = () => {
        log.push(clock.elapsed());
        clock.setTimer(10, tick);
      };
      clock.setTimer(10, tick);
      await clock.advance(35);
      expect(log).to.deep.equal([10, 20, 30]);
    });

    it('that are set by promises count as well', async () => {
      const clock = new VirtualClock();
      const log: number[] = [];
      const sleep = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve));
      const program = async () => {
        for (let step = 0; step < 3; step += 1) {
          await sleep(10);
          log.push(clock.elapsed());
        }
      };
      void program();
      await clock.advance(30);
      expect(log).to.deep.equal([10, 20, 30]);
    });

    it('are forgotten when they are cancelled, also by another timer of the same moment', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      clock.setTimer(10, () => second.cancel());
      const second = clock.setTimer(10, () => log.push('second'));
      clock.setTimer(10, () => log.push('third'));
      await clock.advance(10);
      expect(log).to.deep.equal(['third']);
      expect(clock.pendingTimers).to.equal(0);
    });

    it('that are over or cancelled can be cancelled again, and no other goes with them', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      const over = clock.setTimer(10, () => log.push('over'));
      const cancelled = clock.setTimer(20, () => log.push('cancelled'));
      clock.setTimer(20, () => log.push('called'));
      await clock.advance(10);
      for (const timer of [over, cancelled, cancelled]) timer.cancel();
      await clock.advance(10);
      expect(log).to.deep.equal(['over', 'called']);
    });

    it('without a delay are called within advance, not within setTimer', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      clock.setTimer(0, () => log.push('called'));
      await turn();
      expect(log).to.deep.equal([]);
      await clock.advance(0);
      expect(log).to.deep.equal(['called']);
    });

    it('refuse a delay that is no delay', () => {
      const clock = new VirtualClock();
      for (const delayMs of [-1, Number.NaN]) expect(() => clock.setTimer(delayMs, () => {})).to.throw(RangeError);
      expect(clock.pendingTimers).to.equal(0);
    });
  });

  describe('advance', () => {
    it('does not wait for a promise that nothing settles', async () => {
      const clock = new VirtualClock();
      clock.setTimer(10, () => void new Promise(() => {}));
      await clock.advance(20);
      expect(clock.elapsed()).to.equal(20);
    });

    it('lets what is queued be done before time moves on', async () => {
      const clock = new VirtualClock();
      const seen: number[] = [];
      let left = 0;
      const work = () => {
        seen.push(clock.elapsed());
        left -= 1;
        if (left > 0) setImmediate(work);
      };
      clock.waitFor({
        get busy() {
          return left > 0;
        },
      });
      clock.setTimer(10, () => {
        left = 3;
        setImmediate(work);
      });
      clock.setTimer(20, () => seen.push(clock.elapsed()));
      await clock.advance(20);
      expect(seen).to.deep.equal([10, 10, 10, 20]);
    });

    it('comes after the one that is under way', async () => {
      const clock = new VirtualClock();
      const log: number[] = [];
      clock.setTimer(10, () => log.push(clock.elapsed()));
      clock.setTimer(20, () => log.push(clock.elapsed()));
      await Promise.all([clock.advance(10), clock.advance(10)]);
      expect(log).to.deep.equal([10, 20]);
    });

    it('may be asked for by what runs inside it', async () => {
      const clock = new VirtualClock();
      let nested = Promise.resolve();
      clock.setTimer(10, () => {
        nested = clock.advance(5);
      });
      await clock.advance(10);
      await nested;
      expect(clock.elapsed()).to.equal(15);
    });

    it('rejects with what a timer throws, and goes on from there', async () => {
      const clock = new VirtualClock();
      const log: string[] = [];
      clock.setTimer(10, () => {
        throw new Error('broken');
      });
      clock.setTimer(20, () => log.push('called'));
      expect(await failure(clock.advance(100)))
        .to.be.an('error')
        .with.property('message', 'broken');
      expect(clock.elapsed()).to.equal(10);
      await clock.advance(10);
      expect(log).to.deep.equal(['called']);
    });

    it('gives up on a timer that sets itself again without a delay', async () => {
      const clock = new VirtualClock();
      const again = () => void clock.setTimer(0, again);
      clock.setTimer(5, again);
      expect(await failure(clock.advance(10)))
        .to.be.an('error')
        .with.property('message')
        .that.contains('at 5 ms: some timer sets itself again without a delay');
    });

    it('gives up on messages that bring forth messages without end', async () => {
      const clock = new VirtualClock();
      clock.waitFor({ busy: true });
      expect(await failure(clock.advance(10)))
        .to.be.an('error')
        .with.property('message')
        .that.contains('answer each other without end');
    }).timeout(20_000);

    it('refuses to go back or to the end of time', async () => {
      const clock = new VirtualClock();
      for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(await failure(clock.advance(ms))).to.be.instanceOf(RangeError);
      }
    });
  });
});
