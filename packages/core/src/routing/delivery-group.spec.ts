import { expect } from 'chai';
import fc from 'fast-check';
import { afterEach, describe, it } from 'mocha';
import { VirtualClock } from '../transport/memory/index.js';
import { DeliveryGroup } from './delivery-group.js';
import type { GroupOptions, Job } from './job.js';

/** A job whose handler ends when the test says so, and that writes down what it is told. */
class TestJob implements Job {
  readonly log: string[];
  readonly name: string;
  readonly key: unknown;
  readonly bytes: number;
  readonly arrivedAt: number;
  readonly leftMs: number;
  end: (result?: unknown) => void = () => {};
  fail: (error: unknown) => void = () => {};
  readonly #run: (() => unknown) | undefined;

  constructor(log: string[], name: string, { key, bytes = 1, arrivedAt = 0, leftMs = 1_000, run }: JobOptions = {}) {
    this.log = log;
    this.name = name;
    this.key = key;
    this.bytes = bytes;
    this.arrivedAt = arrivedAt;
    this.leftMs = leftMs;
    this.#run = run;
  }
  timeLeftMs(): number {
    return this.leftMs;
  }
  run(): unknown {
    this.log.push(`${this.name} starts`);
    if (this.#run !== undefined) return this.#run();
    return new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
  }
  succeeded(result: unknown, durationMs: number): void {
    this.log.push(`${this.name} succeeds with ${String(result)} after ${durationMs}`);
  }
  failed(error: unknown, durationMs: number): void {
    this.log.push(`${this.name} fails with ${(error as Error).message} after ${durationMs}`);
  }
  timedOut(durationMs: number): void {
    this.log.push(`${this.name} times out after ${durationMs}`);
  }
  abandoned(): void {
    this.log.push(`${this.name} is abandoned`);
  }
  cutOff(running: boolean): void {
    this.log.push(`${this.name} is cut off ${running ? 'running' : 'waiting'}`);
  }
}

interface JobOptions {
  readonly key?: unknown;
  readonly bytes?: number;
  readonly arrivedAt?: number;
  readonly leftMs?: number;
  readonly run?: () => unknown;
}

const NO_LIMITS = { maxQueued: Number.POSITIVE_INFINITY, maxQueuedBytes: Number.POSITIVE_INFINITY };

describe('a delivery group', () => {
  let clock = new VirtualClock();
  let log: string[] = [];
  afterEach(() => {
    clock = new VirtualClock();
    log = [];
  });

  function newGroup(options: Partial<GroupOptions> = {}) {
    return new DeliveryGroup({
      clock,
      concurrency: 1,
      keyed: false,
      abandonAfterMs: 500,
      limits: NO_LIMITS,
      ...options,
    });
  }
  function add(group: DeliveryGroup, name: string, options?: JobOptions): TestJob {
    const job = new TestJob(log, name, options);
    group.enqueue(job);
    return job;
  }
  const settle = () => clock.advance(0);
  /** What happened since the last look. */
  const news = () => log.splice(0);

  it('starts no job inside enqueue', () => {
    const group = newGroup();
    add(group, 'a', { run: () => 1 });
    expect(news()).to.deep.equal([]);
    expect(group.waiting).to.equal(1);
  });

  it('runs jobs one after another in the order in which they came', async () => {
    const group = newGroup();
    const [a, b] = [add(group, 'a'), add(group, 'b')];
    await settle();
    expect(news()).to.deep.equal(['a starts']);
    a.end(1);
    await settle();
    expect(news()).to.deep.equal(['a succeeds with 1 after 0', 'b starts']);
    b.end(2);
    await settle();
    expect(news()).to.deep.equal(['b succeeds with 2 after 0']);
  });

  it('takes no job for ended since the promise of another one says so twice', async () => {
    const group = newGroup();
    let tellAgain = () => {};
    const odd = Object.assign(Promise.resolve(), {
      // biome-ignore lint/suspicious/noThenProperty: it is what this is about
      then: (ended: () => void) => {
        tellAgain = ended;
        ended();
      },
    });
    add(group, 'odd', { run: () => odd });
    const next = add(group, 'next');
    add(group, 'last');
    await settle();
    expect(news()).to.deep.equal(['odd starts', 'odd succeeds with undefined after 0', 'next starts']);
    tellAgain();
    await settle();
    expect(news()).to.deep.equal([]);
    next.end(1);
    await settle();
    expect(news()).to.deep.equal(['next succeeds with 1 after 0', 'last starts']);
  });

  it('runs no more jobs at once than it may', async () => {
    const group = newGroup({ concurrency: 2 });
    const [a] = [add(group, 'a'), add(group, 'b'), add(group, 'c')];
    await settle();
    expect(news()).to.deep.equal(['a starts', 'b starts']);
    expect([group.running, group.waiting]).to.deep.equal([2, 1]);
    a.end();
    await settle();
    expect(news()).to.include('c starts');
  });

  it('lets another key pass, and keeps the order of one key', async () => {
    const group = newGroup({ concurrency: 8, keyed: true });
    const [x1] = [add(group, 'x1', { key: 'x' }), add(group, 'x2', { key: 'x' }), add(group, 'y1', { key: 'y' })];
    await settle();
    expect(news()).to.deep.equal(['x1 starts', 'y1 starts']);
    x1.fail(new Error('no'));
    await settle();
    expect(news()).to.deep.equal(['x1 fails with no after 0', 'x2 starts']);
  });

  it('takes undefined for a key like any other', async () => {
    const group = newGroup({ concurrency: 8, keyed: true });
    add(group, 'a');
    add(group, 'b');
    await settle();
    expect(news()).to.deep.equal(['a starts']);
  });

  it('keeps synchronous handlers synchronous', () => {
    const group = newGroup();
    add(group, 'a', { run: () => 'A' });
    add(group, 'b', {
      run: () => {
        throw new Error('no');
      },
    });
    // One microtask later all of it is done: no handler cost a promise.
    return Promise.resolve().then(() => {
      expect(news()).to.deep.equal(['a starts', 'a succeeds with A after 0', 'b starts', 'b fails with no after 0']);
    });
  });

  it('takes a thenable whose then throws for a failure', async () => {
    const group = newGroup();
    const run = () => ({
      // biome-ignore lint/suspicious/noThenProperty: the hostile thenable is the case
      get then() {
        throw new Error('hostile');
      },
    });
    add(group, 'a', { run });
    add(group, 'b', { run: () => 1 });
    await settle();
    expect(news()).to.include.members(['a fails with hostile after 0', 'b succeeds with 1 after 0']);
  });

  it('takes a promise that throws when it is waited for as a failure', async () => {
    const boom = () => {
      throw new Error('hostile');
    };
    const group = newGroup();
    add(group, 'a', { run: () => Object.defineProperty(Promise.resolve(), 'constructor', { get: boom }) });
    add(group, 'b', { run: () => Object.defineProperty(Promise.resolve(), 'then', { value: boom }) });
    add(group, 'c', { run: () => 1 });
    await settle();
    expect(news()).to.include.members([
      'a fails with hostile after 0',
      'b fails with hostile after 0',
      'c succeeds with 1 after 0',
    ]);
    expect(clock.pendingTimers).to.equal(0);
  });

  it('counts a handler as failed once its time is over, and keeps its slot for abandonAfterMs more', async () => {
    const group = newGroup();
    add(group, 'a');
    add(group, 'b');
    await clock.advance(1_000);
    expect(news()).to.deep.equal(['a starts', 'a times out after 1000']);
    await clock.advance(499);
    expect(news()).to.deep.equal([]);
    await clock.advance(1);
    expect(news()).to.deep.equal(['a is abandoned', 'b starts']);
  });

  it('gives the slot back when a timed-out handler ends after all, and ignores its result', async () => {
    const group = newGroup();
    const a = add(group, 'a');
    add(group, 'b');
    await clock.advance(1_000);
    news();
    a.end('late');
    await settle();
    expect(news()).to.deep.equal(['b starts']);
    await clock.advance(999);
    expect(news()).to.deep.equal([]);
  });

  it('ignores what an abandoned handler comes to', async () => {
    const group = newGroup();
    const a = add(group, 'a');
    const b = add(group, 'b');
    await clock.advance(1_500);
    news();
    a.fail(new Error('much later'));
    await settle();
    expect(news()).to.deep.equal([]);
    expect(group.running).to.equal(1);
    b.end();
    await group.finished();
  });

  it('keeps the key of a timed-out handler until it is abandoned', async () => {
    const group = newGroup({ concurrency: 8, keyed: true });
    add(group, 'a', { key: 1 });
    add(group, 'b', { key: 1 });
    await clock.advance(1_499);
    expect(news()).to.deep.equal(['a starts', 'a times out after 1000']);
    await clock.advance(1);
    expect(news()).to.deep.equal(['a is abandoned', 'b starts']);
  });

  it('does not run a job whose time is over before it starts', async () => {
    const group = newGroup();
    add(group, 'a', { leftMs: 0 });
    add(group, 'b', { run: () => 1 });
    await settle();
    expect(news()).to.deep.equal(['a times out after 0', 'b starts', 'b succeeds with 1 after 0']);
  });

  it('leaves no timer behind', async () => {
    const group = newGroup();
    const a = add(group, 'a');
    await settle();
    expect(clock.pendingTimers).to.equal(1);
    a.end();
    await settle();
    expect(clock.pendingTimers).to.equal(0);
  });

  it('is finished at once when it has nothing to do, else when the last job has ended', async () => {
    const group = newGroup();
    await group.finished();
    const a = add(group, 'a');
    let finished = false;
    const waiting = group.finished().then(() => {
      finished = true;
    });
    await settle();
    expect(finished).to.equal(false);
    a.end();
    await waiting;
  });

  it('is finished with what it has now, or with the part that is asked for, whatever comes later', async () => {
    const group = newGroup({ concurrency: 3, keyed: true });
    const [a, b] = [add(group, 'a', { key: 1 }), add(group, 'b', { key: 1 }), add(group, 'c', { key: 2 })];
    await settle();
    const ended: string[] = [];
    void group.finished().then(() => ended.push('all'));
    void group.finished((job) => job === b).then(() => ended.push('b'));
    void group.finished(() => false).then(() => ended.push('none'));
    const d = add(group, 'd', { key: 3 });
    a.end();
    await settle();
    expect(ended).to.deep.equal(['none']);
    b.end();
    await settle();
    expect(ended).to.deep.equal(['none', 'b']);
    group.cutOff();
    await settle();
    expect(ended).to.deep.equal(['none', 'b', 'all']);
    d.end();
  });

  it('cuts off what runs and what waits, also behind a key, and is finished then', async () => {
    const group = newGroup({ concurrency: 1, keyed: true });
    add(group, 'x1', { key: 'x' });
    add(group, 'x2', { key: 'x' });
    add(group, 'y1', { key: 'y' });
    await settle();
    news();
    group.cutOff();
    expect(news().sort()).to.deep.equal(['x1 is cut off running', 'x2 is cut off waiting', 'y1 is cut off waiting']);
    await group.finished();
    expect([group.running, group.waiting]).to.deep.equal([0, 0]);
    expect(clock.pendingTimers).to.equal(0);
  });

  it('gives back all that waits, also behind one that waits for its turn, and goes on', async () => {
    const group = newGroup({ concurrency: 1, keyed: true });
    const x1 = add(group, 'x1', { key: 'x' });
    add(group, 'x2', { key: 'x' });
    add(group, 'y1', { key: 'y' });
    add(group, 'y2', { key: 'y' });
    await settle();
    news();
    group.giveBack();
    expect(news().sort()).to.deep.equal(['x2', 'y1', 'y2'].map((name) => `${name} is cut off waiting`));
    expect([group.running, group.waiting, group.waitingBytes]).to.deep.equal([1, 0, 0]);
    x1.end();
    await group.finished();
    add(group, 'y3', { key: 'y' });
    await settle();
    expect(news()).to.include('y3 starts');
  });

  it('leaves a key to its owner when one that ran alone lets go of it', async () => {
    const group = newGroup({ concurrency: 2, keyed: true });
    const x1 = add(group, 'x1', { key: 'x' });
    add(group, 'x2', { key: 'x' });
    await settle();
    group.hold();
    const alone = new TestJob(log, 'alone', { key: 'x', run: () => undefined });
    group.enqueueAlone(Object.assign(alone, { keepsKey: true }));
    await settle();
    group.resume();
    group.letGo(alone);
    await settle();
    expect(news()).not.to.include('x2 starts');
    x1.end();
    await settle();
    expect(news()).to.include('x2 starts');
  });

  it('starts nothing that comes after it was cut off, and tells the job so', async () => {
    const group = newGroup();
    group.cutOff();
    add(group, 'a');
    await settle();
    expect(news()).to.deep.equal(['a is cut off waiting']);
    await group.finished();
  });

  for (const [kind, run] of [
    ['synchronous', () => 1],
    ['asynchronous', async () => 1],
  ] as const) {
    it(`gives the event loop its turn every 5 ms among many ${kind} handlers, however short they are`, async () => {
      let now = 0;
      const halfAMillisecondEach = { ...clock, elapsed: () => now, setTimer: () => ({ cancel: () => {} }) };
      const group = newGroup({ clock: halfAMillisecondEach as unknown as VirtualClock });
      let done = 0;
      for (let n = 0; n < 1_000; n++) {
        add(group, `${n}`, {
          run: () => {
            done += 1;
            now += 0.5;
            return run();
          },
        });
      }
      let turns = 0;
      while (done < 1_000) {
        const before = done;
        await new Promise((resolve) => setImmediate(resolve));
        expect(done - before).to.be.at.most(16);
        turns += 1;
      }
      expect(turns).to.be.at.least(60);
    });

    it(`gets through 4,096 ${kind} handlers in one turn where they take no time, and through no more`, async () => {
      const group = newGroup();
      let done = 0;
      for (let n = 0; n < 5_000; n++) {
        add(group, `${n}`, {
          run: () => {
            done += 1;
            return run();
          },
        });
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(done).to.equal(4_096);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(done).to.equal(5_000);
    });
  }

  describe('with limits', () => {
    const limits = { maxQueued: 2, maxQueuedBytes: 100 };

    it('has room until as many jobs wait as may, and counts what it had no room for', async () => {
      const group = newGroup({ limits });
      add(group, 'a');
      await settle();
      add(group, 'b');
      expect(group.admit()).to.equal(undefined);
      const c = add(group, 'c');
      expect([group.admit(), group.admit()]).to.deep.equal(['maxQueued', 'maxQueued']);
      expect([group.running, group.waiting, group.dropped, group.limits]).to.deep.equal([1, 2, 2, limits]);
      group.cutOff();
      expect([c.name, group.waiting, group.admit()]).to.deep.equal(['c', 0, undefined]);
    });

    it('counts the bytes of what waits, also behind a key, and forgets them when it starts or is cut off', async () => {
      const group = newGroup({ limits, keyed: true, concurrency: 2 });
      const a = add(group, 'a', { key: 1, bytes: 10 });
      add(group, 'b', { key: 1, bytes: 100 });
      expect(group.waitingBytes).to.equal(110);
      await settle();
      expect([group.waitingBytes, group.admit()]).to.deep.equal([100, 'maxQueuedBytes']);
      a.end();
      await settle();
      expect([group.waitingBytes, group.admit()]).to.deep.equal([0, undefined]);
      add(group, 'c', { key: 1, bytes: 7 });
      group.cutOff();
      expect(group.waitingBytes).to.equal(0);
    });

    it('knows for how long the oldest has been waiting, also behind a key', async () => {
      const group = newGroup({ keyed: true, concurrency: 2 });
      expect(group.oldestWaitingMs).to.equal(0);
      add(group, 'a', { key: 1 });
      add(group, 'b', { key: 1, arrivedAt: 0 });
      await clock.advance(30);
      add(group, 'c', { key: 2, arrivedAt: 30 });
      await settle();
      add(group, 'd', { key: 3, arrivedAt: 30 });
      await clock.advance(10);
      expect(group.oldestWaitingMs).to.equal(40);
      group.cutOff();
      expect(group.oldestWaitingMs).to.equal(0);
    });
  });

  it('gives slots back whatever those throw who are told how a job ended', async () => {
    const boom = () => {
      throw new Error('the disk is full');
    };
    const hostile = { succeeded: boom, failed: boom, timedOut: boom, abandoned: boom };
    const group = newGroup({ concurrency: 4 });
    const fail = () => Promise.reject(new Error('no'));
    for (const run of [() => 1, async () => 1, fail, () => new Promise(() => {})]) {
      group.enqueue(Object.assign(new TestJob(log, 'x', { run }), hostile));
    }
    await clock.advance(1_500);
    expect([group.running, clock.pendingTimers]).to.deep.equal([0, 0]);
  });

  it('keeps order per key and its bounds, whatever comes when (property)', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), key: fc.nat(3), sync: fc.boolean() }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 400, 1_000) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (steps, concurrency, keyed) => {
          const own = new VirtualClock();
          const group = new DeliveryGroup({ clock: own, concurrency, keyed, abandonAfterMs: 500, limits: NO_LIMITS });
          const added = new Map<number, number[]>();
          const started = new Map<number, number[]>();
          const holding = new Map<number, number>();
          const open: { n: number; end: () => void }[] = [];
          const told: string[][] = [];
          let count = 0;
          const free = (n: number) => holding.delete(n);
          for (const each of steps) {
            if (each.kind === 'add') {
              const n = count++;
              const key = keyed ? each.key : 0;
              added.set(key, [...(added.get(key) ?? []), n]);
              const words: string[] = [];
              told.push(words);
              group.enqueue({
                key: each.key,
                bytes: 1,
                arrivedAt: own.elapsed(),
                timeLeftMs: () => 1_000,
                run: () => {
                  if (keyed) expect([...holding.values()]).not.to.include(key);
                  holding.set(n, key);
                  expect(holding.size).to.be.at.most(concurrency);
                  started.set(key, [...(started.get(key) ?? []), n]);
                  if (each.sync) return free(n);
                  return new Promise<void>((resolve) => {
                    open.push({
                      n,
                      end: () => {
                        free(n);
                        resolve();
                      },
                    });
                  });
                },
                succeeded: () => words.push('succeeded'),
                failed: () => words.push('failed'),
                timedOut: () => words.push('timedOut'),
                abandoned: () => {
                  words.push('abandoned');
                  free(n);
                },
                cutOff: () => words.push('cutOff'),
              });
            } else if (each.kind === 'end') open.splice(each.which % Math.max(1, open.length), 1)[0]?.end();
            else await own.advance(each.ms);
            await own.advance(0);
            expect(group.running).to.equal(holding.size);
          }
          await own.advance(1_000_000);
          expect(started).to.deep.equal(added);
          expect([group.running, group.waiting, own.pendingTimers]).to.deep.equal([0, 0, 0]);
          for (const words of told) {
            expect(words.join()).to.match(/^(?:succeeded|timedOut(?:,abandoned)?)$/);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
