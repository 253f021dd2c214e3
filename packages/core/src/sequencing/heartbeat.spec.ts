import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { VirtualClock } from '../transport/memory/index.js';
import { Heartbeats } from './heartbeat.js';
import { Sequencer } from './sequencer.js';

describe('Heartbeats', () => {
  let clock: VirtualClock;
  let sequencer: Sequencer;
  let beats: string[];
  beforeEach(() => {
    clock = new VirtualClock();
    sequencer = new Sequencer({ newEpoch: () => 'e' });
    beats = [];
  });

  function start(options: { maxDestinations?: number; publish?: () => Promise<void> } = {}): Heartbeats {
    return new Heartbeats({
      clock,
      sequencer,
      publish: async ({ destination, seq }) => {
        beats.push(`${clock.elapsed()} ${destination} ${seq}`);
        await options.publish?.();
      },
      ...(options.maxDestinations === undefined ? {} : { maxDestinations: options.maxDestinations }),
    });
  }
  function send(heartbeats: Heartbeats, destination: string): void {
    heartbeats.began(destination);
    sequencer.sent(sequencer.next(destination));
    heartbeats.settled(destination);
  }

  it('come 0.5, 1 and 2 s after the last message, and then no more', async () => {
    send(start(), 'a');
    await clock.advance(60_000);
    expect(beats).to.deep.equal(['500 a 1', '1000 a 1', '2000 a 1']);
    expect(clock.pendingTimers).to.equal(0);
  });

  it('begin again with each message, and one timer serves all', async () => {
    const heartbeats = start();
    for (let n = 0; n < 4; n++) {
      send(heartbeats, 'a');
      await clock.advance(400);
      expect(clock.pendingTimers).to.equal(1);
    }
    expect(beats).to.deep.equal([]);
    await clock.advance(200);
    send(heartbeats, 'a');
    await clock.advance(60_000);
    expect(beats).to.deep.equal(['1700 a 4', '2300 a 5', '2800 a 5', '3800 a 5']);
  });

  it('go to each destination in its own time, whatever the others wait for', async () => {
    const heartbeats = start();
    for (const destination of ['a', 'b', 'c']) {
      send(heartbeats, destination);
      await clock.advance(300);
    }
    expect(clock.pendingTimers).to.equal(1);
    await clock.advance(60_000);
    expect(beats).to.deep.equal([
      '500 a 1',
      '800 b 1',
      '1000 a 1',
      '1100 c 1',
      '1300 b 1',
      '1600 c 1',
      '2000 a 1',
      '2300 b 1',
      '2600 c 1',
    ]);
  });

  it('wait while a message is on its way, which might be rejected', async () => {
    const heartbeats = start();
    send(heartbeats, 'a');
    heartbeats.began('a');
    heartbeats.began('a');
    const [two, three] = [sequencer.next('a'), sequencer.next('a')];
    await clock.advance(5_000);
    sequencer.sent(two);
    heartbeats.settled('a');
    await clock.advance(5_000);
    expect(beats).to.deep.equal([]);
    sequencer.abandon(three);
    heartbeats.settled('a');
    await clock.advance(500);
    expect(beats).to.deep.equal(['10500 a 3']);
  });

  it('come again when a message turns out unconfirmed, however late', async () => {
    const heartbeats = start();
    send(heartbeats, 'a');
    await clock.advance(10_000);
    beats = [];
    heartbeats.again('a');
    await clock.advance(10_000);
    expect(beats).to.deep.equal(['10500 a 1', '11000 a 1', '12000 a 1']);
  });

  it('that fail are not tried again', async () => {
    send(start({ publish: () => Promise.reject(new Error('no link')) }), 'a');
    await clock.advance(60_000);
    expect(beats).to.have.length(3);
  });

  it('are sent at the end to those to whom some are owed, and none comes later', async () => {
    const heartbeats = start();
    send(heartbeats, 'told');
    await clock.advance(2_000);
    beats = [];
    send(heartbeats, 'a');
    send(heartbeats, 'b');
    heartbeats.began('pending');
    await heartbeats.end();
    expect(beats).to.deep.equal(['2000 a 1', '2000 b 1']);
    send(heartbeats, 'a');
    heartbeats.settled('pending');
    await clock.advance(60_000);
    expect(beats).to.have.length(2);
    expect(clock.pendingTimers).to.equal(0);
  });

  it('end without a word when there is no connection any more', async () => {
    const heartbeats = start();
    send(heartbeats, 'a');
    heartbeats.cancel();
    await heartbeats.end();
    expect([beats.length, clock.pendingTimers]).to.deep.equal([0, 0]);
  });

  it('forget the destination that has been silent longest beyond so many', async () => {
    const heartbeats = start({ maxDestinations: 2 });
    send(heartbeats, 'a');
    await clock.advance(600);
    for (const destination of ['b', 'c']) send(heartbeats, destination);
    beats = [];
    await clock.advance(500);
    expect(beats).to.deep.equal(['1100 b 1', '1100 c 1']);
  });

  it('are not sent for a count that was forgotten', async () => {
    sequencer = new Sequencer({ newEpoch: () => 'e', maxDestinations: 1 });
    const heartbeats = start();
    for (const destination of ['a', 'b']) send(heartbeats, destination);
    await clock.advance(500);
    expect(beats).to.deep.equal(['500 b 1']);
  });
});
