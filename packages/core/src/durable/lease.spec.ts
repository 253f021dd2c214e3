import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { HeldLease } from '../index.js';
import { defineService, planStreams, Service, TeraService } from '../index.js';
import { deferred } from '../service/deferred.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { KeyValue, Transport } from '../transport/index.js';
import { Lease } from './lease.js';

const Import = defineService('Import', {});

@Service(Import, { leases: true })
class ImportService extends TeraService {
  readonly under = <T>(work: (lease: HeldLease) => T | Promise<T>, options?: object, name = 'nightly') =>
    this.lease(name, work, options);
}

@Service(Import)
class UnplannedService extends TeraService {
  readonly under = () => this.lease('nightly', () => 1);
}

const NEVER = new AbortController().signal;

describe('a lease', () => {
  let stage: Stage;
  let ids = 0;
  beforeEach(() => {
    stage = new Stage();
    stage.broker.provision(planStreams([ImportService]));
  });
  afterEach(() => stage.end());

  const connect = (name: string) => stage.broker.connect({ name });
  const leaseOf = (transport: Transport, { holdMs = 3_000, keyValue = {} as Partial<KeyValue> } = {}) => {
    ids += 1;
    const inner = transport.keyValue('service.Import marks');
    const bound: KeyValue = {
      get: (...args) => inner.get(...args),
      create: (...args) => inner.create(...args),
      update: (...args) => inner.update(...args),
      put: (...args) => inner.put(...args),
      delete: (...args) => inner.delete(...args),
      keys: () => inner.keys(),
      ...keyValue,
    };
    return new Lease({ keyValue: bound, key: 'k', id: `id ${ids}`, holdMs, clock: stage.clock });
  };
  /** Whether somebody has got it. */
  const watched = (lease: Lease, signal = NEVER) => {
    const state = { has: false };
    void lease.acquire(signal).then(
      () => {
        state.has = true;
      },
      () => undefined,
    );
    return state;
  };

  it('is held by one at a time, as long as it is renewed, and passed on when it is let go', async () => {
    const first = leaseOf(connect('first'));
    const second = leaseOf(connect('second'));
    await first.acquire(NEVER);
    const next = watched(second);
    await stage.clock.advance(60_000);
    expect([first.held, next.has]).to.deep.equal([true, false]);
    await first.release();
    expect([first.held, first.signal.aborted]).to.deep.equal([false, false]);
    await stage.clock.advance(1_000);
    expect(next.has).to.equal(true);
    expect(second.fence).to.be.greaterThan(first.fence);
  });

  it('is taken from a holder that is gone, after its whole time and not before', async () => {
    const first = leaseOf(connect('first'), { holdMs: 9_000 });
    await first.acquire(NEVER);
    // It waits for the time of the holder, not for its own.
    const next = watched(leaseOf(connect('second'), { holdMs: 600 }));
    // It was renewed at 3,000.
    await stage.clock.advance(4_000);
    stage.broker.interrupt({ connection: 'first' });
    await stage.clock.advance(7_900);
    expect(next.has).to.equal(false);
    await stage.clock.advance(500);
    expect(next.has).to.equal(true);
  });

  it('is lost at once when it can’t be renewed in time, and before anybody else has it', async () => {
    const first = leaseOf(connect('first'));
    await first.acquire(NEVER);
    const next = watched(leaseOf(connect('second')));
    await stage.clock.advance(1_500);
    stage.broker.interrupt({ connection: 'first' });
    let lostAt = 0;
    first.signal.addEventListener('abort', () => {
      lostAt = stage.clock.elapsed();
      expect(next.has).to.equal(false);
    });
    await stage.clock.advance(10_000);
    // The last renewal was at 1,000.
    expect([lostAt, next.has, first.held]).to.deep.equal([4_000, true, false]);
    expect(first.signal.reason).to.include({ reason: 'TERABUS_LEASE_LOST' });
  });

  it('is held from the asking on, not from the answer', async () => {
    const transport = connect('first');
    const inner = transport.keyValue('service.Import marks');
    const update: KeyValue['update'] = async (...args) => {
      const revision = await inner.update(...args);
      await passed(800);
      return revision;
    };
    const first = leaseOf(transport, { keyValue: { update } });
    await first.acquire(NEVER);
    // It was renewed at 1,000, and knows at 1,800.
    await stage.clock.advance(2_000);
    stage.broker.interrupt({ connection: 'first' });
    await stage.clock.advance(1_900);
    expect(first.held).to.equal(true);
    await stage.clock.advance(100);
    expect(first.held).to.equal(false);
  });

  it('is taken by one of those that find it old at the same moment', async () => {
    await leaseOf(connect('gone')).acquire(NEVER);
    stage.broker.interrupt({ connection: 'gone' });
    const both = deferred<void>();
    const rivals = ['second', 'third'].map((name) => {
      const transport = connect(name);
      const inner = transport.keyValue('service.Import marks');
      const get: KeyValue['get'] = async (...args) => {
        const entry = await inner.get(...args);
        if (stage.clock.elapsed() >= 3_000) await both.promise;
        return entry;
      };
      return watched(leaseOf(transport, { keyValue: { get } }));
    });
    await stage.clock.advance(3_500);
    both.resolve();
    await stage.settle();
    expect(rivals.filter(({ has }) => has)).to.have.lengthOf(1);
  });

  const passed = (ms: number) => {
    const over = deferred<void>();
    stage.clock.setTimer(ms, () => over.resolve());
    return over.promise;
  };

  it('survives a link that is lost for a shorter time', async () => {
    const first = leaseOf(connect('first'));
    await first.acquire(NEVER);
    const next = watched(leaseOf(connect('second')));
    for (let n = 0; n < 10; n++) {
      stage.broker.interrupt({ connection: 'first' });
      await stage.clock.advance(1_500);
      stage.broker.restore({ connection: 'first' });
      await stage.clock.advance(500);
    }
    expect([first.held, next.has]).to.deep.equal([true, false]);
  });

  it('is still held where a renewal was done that nobody answered to', async () => {
    const transport = connect('first');
    const inner = transport.keyValue('service.Import marks');
    let lost = 0;
    const update: KeyValue['update'] = async (...args) => {
      const revision = await inner.update(...args);
      lost += 1;
      if (lost % 2 === 1) throw await rejection(disconnected());
      return revision;
    };
    const first = leaseOf(transport, { keyValue: { update } });
    await first.acquire(NEVER);
    await stage.clock.advance(60_000);
    expect(lost).to.be.greaterThan(10);
    expect(first.held).to.equal(true);
  });

  it('is got where nobody answered to the first try', async () => {
    const transport = connect('first');
    const inner = transport.keyValue('service.Import marks');
    const create: KeyValue['create'] = async (...args) => {
      await inner.create(...args);
      throw await rejection(disconnected());
    };
    const first = leaseOf(transport, { keyValue: { create } });
    const state = watched(first);
    await stage.clock.advance(1_500);
    expect([state.has, first.held]).to.deep.equal([true, true]);
  });

  /** What the link says when it is lost. */
  const disconnected = async () => {
    const transport = connect('gone');
    stage.broker.interrupt({ connection: 'gone' });
    return transport.keyValue('any').get('k');
  };

  it('is lost when somebody removes or replaces its entry', async () => {
    for (const meddle of [(kv: KeyValue) => kv.delete('k'), (kv: KeyValue) => kv.put('k', new Uint8Array([1]))]) {
      const first = leaseOf(connect('first'));
      const state = watched(first);
      await stage.clock.advance(10_000);
      expect(state.has).to.equal(true);
      await meddle(stage.client.keyValue('service.Import marks'));
      await stage.clock.advance(1_000);
      expect([first.held, first.signal.aborted]).to.deep.equal([false, true]);
    }
  });

  it('replaces an entry that is no claim, after its own time', async () => {
    await stage.client.keyValue('service.Import marks').put('k', new Uint8Array([1, 2]));
    const state = watched(leaseOf(connect('first')));
    await stage.clock.advance(2_900);
    expect(state.has).to.equal(false);
    await stage.clock.advance(200);
    expect(state.has).to.equal(true);
  });

  it('has one holder among many that want it, over lost links and time', async () => {
    const held: string[] = [];
    let ended = false;
    const works = Array.from({ length: 5 }, async (_, n) => {
      while (!ended) {
        const lease = leaseOf(connect(`${n}`), { holdMs: 1_000 });
        await lease.acquire(NEVER);
        for (const other of held) expect.fail(`${other} and ${n} both hold it`);
        held.push(`${n}`);
        const done = deferred<void>();
        stage.clock.setTimer(700, () => done.resolve());
        lease.signal.addEventListener('abort', () => done.resolve());
        await done.promise;
        held.length = 0;
        await lease.release();
      }
    });
    for (let n = 0; n < 40; n++) {
      stage.broker.interrupt({ connection: `${n % 5}` });
      await stage.clock.advance(300 + ((n * 370) % 1_100));
      stage.broker.restore({ connection: `${n % 5}` });
    }
    ended = true;
    await stage.clock.advance(30_000);
    await Promise.all(works);
  });

  describe('of a service', () => {
    it('lets its instances work one after the other', async () => {
      const [one, two] = [
        (await stage.start(ImportService)).service(ImportService),
        (await stage.start(ImportService)).service(ImportService),
      ];
      const door = deferred<void>();
      const log: string[] = [];
      const works = [
        one.under(async ({ held }) => {
          log.push(`one begins, ${held}`);
          await door.promise;
          log.push('one ends');
          return 1;
        }),
        two.under(({ fence }) => log.push(`two, ${fence > 0}`)),
      ];
      await stage.clock.advance(60_000);
      expect(log).to.deep.equal(['one begins, true']);
      door.resolve();
      await stage.clock.advance(5_000);
      expect(log).to.deep.equal(['one begins, true', 'one ends', 'two, true']);
      expect(await Promise.all(works)).to.deep.equal([1, 3]);
    });

    it('rejects with what the work does, and is let go', async () => {
      const { under } = (await stage.start(ImportService)).service(ImportService);
      const failed = under(() => {
        throw new Error('no data');
      });
      expect(await failed.catch((error: Error) => error.message)).to.equal('no data');
      expect(await under(() => 'next')).to.equal('next');
    });

    it('rejects when it was lost before the work had ended', async () => {
      const host = await stage.start(ImportService, { transport: connect('import') });
      const aborted = host.service(ImportService).under(async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return 'too late';
      });
      const error = rejection(aborted);
      await stage.clock.advance(1_000);
      stage.broker.interrupt({ connection: 'import' });
      await stage.clock.advance(10_000);
      expect(await error).to.include({ reason: 'TERABUS_LEASE_LOST', retryable: true });
    });

    it('is waited for no more when the drain begins, and work that runs is waited for', async () => {
      const [first, second] = [await stage.start(ImportService), await stage.start(ImportService)];
      const door = deferred<void>();
      const working = first.service(ImportService).under(() => door.promise.then(() => 'done'));
      const waiting = rejection(second.service(ImportService).under(() => 'never'));
      await stage.clock.advance(1_000);
      const stopping = Promise.all([first.stop(), second.stop()]);
      await stage.clock.advance(1_000);
      expect(await waiting).to.include({ reason: 'TERABUS_DRAINING' });
      door.resolve();
      expect(await working).to.equal('done');
      expect((await stopping).map(({ running }) => running)).to.deep.equal([0, 0]);
      expect(await stage.client.keyValue('service.Import marks').keys()).to.deep.equal([]);
    });

    it('refuses what can’t be', async () => {
      const { under } = (await stage.start(ImportService)).service(ImportService);
      for (const holdMs of [99, 600_001, Number.NaN, '5']) {
        expect(await rejection(under(() => 1, { holdMs }))).to.include({ reason: 'TERABUS_OPTIONS_INVALID' });
      }
      expect(await rejection(under(() => 1, {}, ''))).to.include({ reason: 'TERABUS_OPTIONS_INVALID' });
      const unplanned = (await stage.start(UnplannedService)).service(UnplannedService);
      expect((await rejection(unplanned.under())).message).to.contain("'leases: true'");
      stage.broker.deleteBucket('service.Import marks');
      expect(await rejection(under(() => 1))).to.include({ reason: 'TERABUS_BUCKET_MISSING' });
    });
  });
});
