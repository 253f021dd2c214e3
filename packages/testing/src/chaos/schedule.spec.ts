import { VirtualClock } from '@terabus/core/memory';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { type Fault, type ScheduleOptions, schedule } from './schedule.js';

const quiet = () => undefined;
const options = { faults: { kill: quiet, cut: quiet, calm: quiet }, everyMs: [10, 90], count: 30 } as const;

/** Lets time run until the promise is settled. */
async function throughTime<T>(clock: VirtualClock, running: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  running.then(settle, settle);
  while (!isSettled) await clock.advance(10);
  return running;
}

describe('schedule', () => {
  let before: string | undefined;
  beforeEach(() => {
    before = process.env['TERABUS_SEED'];
    delete process.env['TERABUS_SEED'];
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TERABUS_SEED'];
    else process.env['TERABUS_SEED'] = before;
  });

  it('makes the same plan from the same seed, in whatever order the faults are written', () => {
    const { plan } = schedule({ ...options, seed: 5 });
    expect(schedule({ ...options, seed: '5' }).plan).to.deep.equal(plan);
    expect(schedule({ ...options, faults: { calm: quiet, cut: quiet, kill: quiet }, seed: 5 }).plan).to.deep.equal(
      plan,
    );
    expect(schedule({ ...options, seed: 6 }).plan).not.to.deep.equal(plan);
    expect(plan.map(({ n }) => n)).to.deep.equal(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(new Set(plan.map(({ fault }) => fault))).to.deep.equal(new Set(['kill', 'cut', 'calm']));
    expect(plan.every(({ waitMs }) => waitMs >= 10 && waitMs <= 90)).to.equal(true);
  });

  it('makes another plan each time without a seed, and the one of TERABUS_SEED when that is set', () => {
    const [one, two] = [schedule(options), schedule(options)];
    expect(one.plan).not.to.deep.equal(two.plan);
    process.env['TERABUS_SEED'] = one.seed;
    expect(schedule(options).plan).to.deep.equal(one.plan);
    expect(schedule({ ...options, seed: two.seed }).plan).to.deep.equal(one.plan);
  });

  it('chooses by weight', () => {
    const faults = { often: { weight: 9, run: quiet }, seldom: quiet, never: { weight: 0, run: quiet } };
    const { plan } = schedule({ seed: 1, faults, everyMs: 1, count: 1000 });
    const often = plan.filter(({ fault }) => fault === 'often').length;
    expect(often).to.be.within(850, 950);
    expect(plan.filter(({ fault }) => fault === 'seldom')).to.have.length(1000 - often);
  });

  it('performs the plan in time, one fault after the other, and tells what it did', async () => {
    const clock = new VirtualClock();
    const printed: string[] = [];
    const slow: Fault = ({ wait }) => wait(70);
    const plan = schedule({ seed: 'x', faults: { slow }, everyMs: 30, count: 2 });
    const done = await throughTime(clock, plan.run({ clock, print: (line) => printed.push(line) }));
    expect(done).to.deep.equal([
      { n: 1, fault: 'slow', waitMs: 30, startedMs: 30, tookMs: 70 },
      { n: 2, fault: 'slow', waitMs: 30, startedMs: 130, tookMs: 70 },
    ]);
    expect(printed).to.deep.equal(['TERABUS_SEED=x replays these 2 faults.']);
    expect(String(plan)).to.equal('seed x: 30 ms, slow; 30 ms, slow');
  });

  it('lets faults choose alike in a replay', async () => {
    const choices = async () => {
      const clock = new VirtualClock();
      const chosen: string[] = [];
      const choose: Fault = ({ n, random }) => void chosen.push(`${n}: ${random.integer(0, 1e9)}`);
      const plan = schedule({ seed: 3, faults: { choose }, everyMs: 1, count: 5 });
      await throughTime(clock, plan.run({ clock, print: quiet }));
      return chosen;
    };
    const first = await choices();
    expect(new Set(first.map((each) => each.slice(3))).size).to.equal(5);
    expect(await choices()).to.deep.equal(first);
  });

  it('ends at the signal with what was done by then', async () => {
    const clock = new VirtualClock();
    const ending = new AbortController();
    const faults = { end: () => ending.abort() };
    const plan = schedule({ faults, everyMs: 10, count: 3 });
    const done = await throughTime(clock, plan.run({ clock, signal: ending.signal, print: quiet }));
    expect(done.map(({ n }) => n)).to.deep.equal([1]);
    expect(await plan.run({ clock, signal: ending.signal, print: quiet })).to.deep.equal([]);
  });

  it('says which fault failed, and how to see it again', async () => {
    const clock = new VirtualClock();
    const cause = new Error('no server');
    const faults = { kill: () => Promise.reject(cause) };
    const running = schedule({ seed: 7, faults, everyMs: 10, count: 3 }).run({ clock, print: quiet });
    const error = await throughTime(clock, running).catch((reason: Error) => reason);
    expect(error).to.be.an('error').with.property('cause', cause);
    expect(String(error)).to.contain(
      "fault 1, 'kill', failed (TERABUS_SEED=7 replays these 3 faults): Error: no server",
    );
  });

  const bad: readonly [what: string, part: Partial<ScheduleOptions>, text: string][] = [
    ['no fault', { faults: {} }, 'faults has none that could be chosen'],
    ['only faults without weight', { faults: { a: { weight: 0, run: quiet } } }, 'faults has none'],
    ['a weight below zero', { faults: { a: { weight: -1, run: quiet } } }, "the weight of 'a' is -1"],
    ['a count of nothing', { count: 0 }, 'count is 0'],
    ['a time below zero', { everyMs: -1 }, 'everyMs is -1'],
    ['times the wrong way round', { everyMs: [5, 1] }, 'everyMs is [5,1]'],
  ];
  for (const [what, part, text] of bad) {
    it(`refuses ${what}`, () => {
      expect(() => schedule({ ...options, ...part })).to.throw(RangeError, text);
    });
  }
});
