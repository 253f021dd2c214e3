import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { VirtualClock } from '../transport/memory/index.js';
import type { StreamDelivery } from '../transport/streams.js';
import type { Taken } from './taken.js';
import { Unsettled } from './unsettled.js';

const ACK_WAIT_MS = 300;

describe('what is unsettled', () => {
  let clock: VirtualClock;
  let unsettled: Unsettled;
  let worked: number[];
  beforeEach(() => {
    clock = new VirtualClock();
    unsettled = new Unsettled(clock, ACK_WAIT_MS);
    worked = [];
  });
  let all: Taken[] = [];
  afterEach(() => {
    for (const taken of all) unsettled.settle(taken);
    all = [];
  });

  const delivery = (sequence: number, storedAt = 5) =>
    ({ sequence, storedAt, working: () => worked.push(sequence) }) as Partial<StreamDelivery> as StreamDelivery;
  const add = (sequence: number, { storedAt = 5, isRetry = false } = {}): Taken => {
    const taken = { place: -1, isRetry, delivery: delivery(sequence, storedAt) } as Partial<Taken> as Taken;
    unsettled.add(taken);
    all.push(taken);
    return taken;
  };

  it('is found by its number and its time, for itself in the stream and among what is tried again', () => {
    const [first, retry] = [add(1), add(1, { isRetry: true })];
    expect(unsettled.get(delivery(1), false)).to.equal(first);
    expect(unsettled.get(delivery(1), true)).to.equal(retry);
    expect(unsettled.get(delivery(2), false)).to.equal(undefined);
    unsettled.settle(first);
    expect(unsettled.get(delivery(1), false)).to.equal(undefined);
    expect(unsettled.get(delivery(1), true)).to.equal(retry);
    expect([unsettled.size, unsettled.ofStream]).to.deep.equal([1, { unsettled: 0, settled: 1 }]);
  });

  it('is told apart from what has its number in a stream that was made anew', () => {
    const [old, young] = [add(1, { storedAt: 5 }), add(1, { storedAt: 6 })];
    const both = () => [5, 6].map((storedAt) => unsettled.get(delivery(1, storedAt), false));
    expect(both()).to.deep.equal([old, young]);
    unsettled.settle(old);
    expect(both()).to.deep.equal([undefined, young]);
    unsettled.settle(young);
    expect(both()).to.deep.equal([undefined, undefined]);
    expect(unsettled.size).to.equal(0);
  });

  it('is settled once', () => {
    const first = add(1);
    unsettled.settle(first);
    const second = add(2);
    unsettled.settle(first);
    expect(unsettled.get(delivery(2), false)).to.equal(second);
    expect(unsettled.size).to.equal(1);
  });

  it('is worked on three times while it would be waited for, all of it, and no longer than it is there', async () => {
    const first = add(1);
    for (const storedAt of [5, 6]) add(2, { storedAt, isRetry: true });
    await clock.advance(ACK_WAIT_MS / 3);
    expect(worked).to.deep.equal([1, 2, 2]);
    unsettled.settle(first);
    await clock.advance(ACK_WAIT_MS / 3);
    expect(worked).to.deep.equal([1, 2, 2, 2, 2]);
    for (const taken of all) unsettled.settle(taken);
    await clock.advance(ACK_WAIT_MS);
    expect(worked).to.have.length(5);
  });

  it('is waited for', async () => {
    const first = add(1);
    let isOver = false;
    const over = unsettled.settled().then(() => {
      isOver = true;
    });
    await clock.advance(1);
    expect(isOver).to.equal(false);
    unsettled.settle(first);
    await over;
  });
});
