import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { Deadlines } from './deadlines.js';
import { VirtualClock } from './memory/virtual-clock.js';

describe('deadlines', () => {
  let clock: VirtualClock;
  let deadlines: Deadlines;
  let due: string[];

  beforeEach(() => {
    clock = new VirtualClock();
    deadlines = new Deadlines(clock);
    due = [];
  });

  const set = (delayMs: number, name: string, then?: () => void) =>
    deadlines.set(delayMs, clock.elapsed(), () => {
      due.push(`${name} at ${clock.elapsed()}`);
      then?.();
    });

  it('come due at their time, in its order, whenever they were set', async () => {
    set(30, 'c');
    set(10, 'a');
    set(20, 'b');
    await clock.advance(5);
    set(10, 'between');
    await clock.advance(100);
    expect(due).to.deep.equal(['a at 10', 'between at 15', 'b at 20', 'c at 30']);
  });

  it('have one timer of the clock together, and none when all are cancelled', async () => {
    const all = Array.from({ length: 100 }, (_, n) => set(1_000 + (n % 3), `${n}`));
    expect(clock.pendingTimers).to.equal(1);
    for (const one of all) one.cancel();
    expect(clock.pendingTimers).to.equal(0);
    await clock.advance(2_000);
    expect(due).to.deep.equal([]);
  });

  it('have none when the last one has come due', async () => {
    set(10, 'a');
    await clock.advance(10);
    expect([due, clock.pendingTimers]).to.deep.equal([['a at 10'], 0]);
  });

  it('are cancelled at any place of their line', async () => {
    const [first, , third, , fifth] = ['1', '2', '3', '4', '5'].map((name) => set(10, name));
    third?.cancel();
    first?.cancel();
    fifth?.cancel();
    await clock.advance(10);
    expect(due).to.deep.equal(['2 at 10', '4 at 10']);
  });

  it('are cancelled twice, or too late, without harm to others', async () => {
    const first = set(10, 'first');
    first.cancel();
    first.cancel();
    const second = set(10, 'second');
    await clock.advance(10);
    second.cancel();
    set(10, 'third');
    await clock.advance(10);
    expect(due).to.deep.equal(['second at 10', 'third at 20']);
  });

  it('come due though the one before them was cancelled, for which the timer was set', async () => {
    const early = set(5, 'early');
    set(20, 'late');
    early.cancel();
    await clock.advance(20);
    expect(due).to.deep.equal(['late at 20']);
  });

  it('do not come due when another one of the same moment cancels them', async () => {
    set(10, 'a', () => second.cancel());
    const second = set(10, 'b');
    await clock.advance(20);
    expect(due).to.deep.equal(['a at 10']);
  });

  it('may be set while one comes due', async () => {
    set(10, 'a', () => set(5, 'b'));
    set(100, 'c');
    await clock.advance(100);
    expect(due).to.deep.equal(['a at 10', 'b at 15', 'c at 100']);
  });

  it('come due at their time though that they count from has gone by', async () => {
    const begin = clock.elapsed();
    await clock.advance(5);
    deadlines.set(10, begin, () => due.push(`a at ${clock.elapsed()}`));
    set(7, 'b');
    deadlines.set(3, begin, () => due.push(`c at ${clock.elapsed()}`));
    await clock.advance(20);
    expect(due).to.deep.equal(['c at 5', 'a at 10', 'b at 12']);
  });

  it('count from the moment that they are given, in parts of milliseconds too', async () => {
    deadlines.set(0.5, clock.elapsed(), () => due.push('half'));
    await clock.advance(1);
    expect(due).to.deep.equal(['half']);
  });
});
