import { BusError, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import type { Role } from '../health/health.js';
import type { Host, HostOptions, ServiceClass, TrackedContext } from '../index.js';
import { defineModule, defineService, OnMessage, Rpc, rpc, Service, TeraService } from '../index.js';
import { deferred } from '../service/deferred.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { Clock, Inbound, SubscribeOptions, Transport } from '../transport/index.js';
import { turn } from '../transport/memory/index.js';

const Solo = defineModule('Test.Solo', {
  messages: { types: [UserEvent] },
  rpc: { who: rpc({ args: [], returns: z.string(), timeoutMs: 60_000 }) },
});
const Sender = defineService('Test.Sender', {});

@Service(Sender, { uses: [Solo] })
class SenderService extends TeraService {
  #sent = 0;
  get sent(): number {
    return this.#sent;
  }
  async tell(count = 1) {
    for (let n = 0; n < count; n++) {
      this.#sent += 1;
      await this.send(Solo.messages, UserEvent.create({ userFullname: `${this.#sent}` }));
    }
  }
  who(options: { timeoutMs?: number } = {}) {
    return this.client(Solo).who(options);
  }
}

describe('a service of which one instance is active', () => {
  let stage: Stage;
  /** What the instances did, in order. */
  let trail: string[];
  /** What handlers of an instance wait for. */
  let gates: Partial<Record<string, Promise<void>>>;
  let atWork: Set<string>;
  /** Which instances were called. */
  let ran: string[];
  beforeEach(() => {
    stage = new Stage();
    trail = [];
    ran = [];
    gates = {};
    atWork = new Set();
  });
  afterEach(() => {
    // Nothing may keep a host from ending.
    gates = {};
    return stage.end();
  });

  function soloNamed(name: string): ServiceClass {
    const work = async (what: string) => {
      atWork.add(name);
      if (atWork.size > 1) trail.push(`two at once: ${[...atWork].join(', ')}`);
      await (gates[`${name} ${what}`] ?? gates[name]);
      atWork.delete(name);
    };
    @Service(Solo)
    class SoloService extends TeraService {
      protected override onStart() {
        this.every(400, () => trail.push(`${name} tick`));
      }
      protected override onActive() {
        trail.push(`${name} active ${this.active}`);
        return gates[`${name} onActive`];
      }
      protected override onStandby() {
        trail.push(`${name} standby ${this.active}`);
      }
      @OnMessage(Solo.messages, UserEvent)
      async onUser({ userFullname }: UserEvent, { verdict }: TrackedContext) {
        await work(userFullname);
        trail.push(`${name} ${userFullname}${verdict.kind === 'gap' ? ' gap' : ''}`);
      }
      @Rpc(Solo.rpc.who)
      async who() {
        ran.push(name);
        await work('who');
        return name;
      }
    }
    return SoloService;
  }

  /** Each is newer than the one before. */
  async function start(name: string, options: Partial<HostOptions> = {}): Promise<Host> {
    await stage.clock.advance(1);
    return stage.start(soloNamed(name), options);
  }
  /** For one that is newer than others, though no time passes. */
  const later = (ms: number): Clock => ({
    now: () => stage.clock.now() + ms,
    elapsed: () => stage.clock.elapsed(),
    setTimer: (delayMs, callback) => stage.clock.setTimer(delayMs, callback),
  });
  const startSender = async () => (await stage.start(SenderService)).service(SenderService);
  const roleOf = (host: Host): Role | undefined => host.health().services[0]?.role;
  const ticks = () => trail.filter((line) => line.endsWith('tick'));
  const handled = () => trail.filter((line) => /^\w+ \d/.test(line));

  it('is active at once where it is the only one: no time passes', async () => {
    const before = stage.clock.elapsed();
    const host = await stage.start(soloNamed('A'));
    expect([roleOf(host), host.health().ready, stage.clock.elapsed()]).to.deep.equal(['active', true, before]);
    expect(trail).to.deep.equal(['A active true']);
  });

  it('hands over to a newer one, which holds what comes until the older has finished', async () => {
    const first = await start('A');
    const sender = await startSender();
    const door = deferred<void>();
    gates = { A: door.promise };
    await sender.tell(2);
    await stage.settle();
    const second = await start('B');
    await stage.settle();
    expect([roleOf(first), roleOf(second), second.health().ready]).to.deep.equal(['handing-over', 'taking-over', true]);
    await sender.tell(3);
    await stage.settle();
    expect(second.health().services[0]?.held).to.equal(3);
    expect(handled()).to.deep.equal([]);
    door.resolve();
    await stage.settle();
    await sender.tell();
    await stage.settle();
    expect([roleOf(first), roleOf(second), first.health().ready]).to.deep.equal(['standby', 'active', true]);
    expect(trail.slice(0, 5)).to.deep.equal(['A active true', 'A 1', 'A 2', 'B active true', 'B 3']);
    expect(handled()).to.deep.equal(['A 1', 'A 2', 'B 3', 'B 4', 'B 5', 'B 6']);
    expect(trail).to.include('A standby false');
  });

  it('hands over whatever its name is: keys of services are free text', async () => {
    @Service(defineModule('Clé *.> du service', {}))
    class FreelyNamed extends TeraService {}
    const first = await stage.start(FreelyNamed);
    await stage.clock.advance(1);
    const second = await stage.start(FreelyNamed);
    await stage.settle();
    expect([roleOf(first), roleOf(second)]).to.deep.equal(['standby', 'active']);
    await stage.clock.advance(1);
    await second.stop();
    await stage.settle();
    expect(roleOf(first)).to.equal('active');
  });

  it('answers each call that is made while it hands over', async () => {
    await start('A');
    const sender = await startSender();
    const door = deferred<void>();
    gates = { A: door.promise };
    const calls = [sender.who()];
    await stage.settle();
    await start('B');
    await stage.settle();
    calls.push(sender.who(), sender.who());
    await stage.settle();
    door.resolve();
    await stage.settle();
    calls.push(sender.who());
    expect(await Promise.all(calls)).to.deep.equal(['A', 'B', 'B', 'B']);
  });

  it('loses nothing, runs nothing twice and sees no gaps over twenty hand-overs under way', async () => {
    await start('A');
    const sender = await startSender();
    for (let n = 0; n < 20; n++) {
      await stage.clock.advance(1);
      const starting = stage.start(soloNamed(`I${n}`));
      for (let turns = 0; turns < 30; turns++) {
        await sender.tell(8);
        await turn();
      }
      const host = await starting;
      await stage.settle();
      expect(roleOf(host)).to.equal('active');
    }
    const numbers = handled().map((line) => Number(line.split(' ')[1]));
    expect(numbers.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: sender.sent }, (_, n) => n + 1));
    expect(trail.filter((line) => /two at once|gap/.test(line))).to.deep.equal([]);
    expect(stage.eventsOf('sequence').filter(({ verdict }) => verdict.missing > 0)).to.deep.equal([]);
  });

  it('sees a gap again as soon as the hand-over is done', async () => {
    await start('A');
    await start('B');
    await stage.settle();
    for (const seq of [1, 2, 5]) {
      const event = [UserEvent, UserEvent.create({ userFullname: `${seq}` })] as const;
      await stage.message('module.Test.Solo.messages', event, { seq, headers: { 'Terabus-Epoch': '01E' } });
    }
    expect(handled()).to.deep.equal(['B 1', 'B 2', 'B 5 gap']);
  });

  it('hands over to a standby when it stops, without a moment in which nobody is there', async () => {
    const standby = await start('A');
    const active = await start('B');
    await stage.settle();
    const sender = await startSender();
    const door = deferred<void>();
    gates = { B: door.promise };
    const calls = [sender.who()];
    await sender.tell();
    await stage.settle();
    const stopping = active.stop();
    await stage.settle();
    expect([roleOf(active), roleOf(standby)]).to.deep.equal(['handing-over', 'taking-over']);
    await sender.tell();
    calls.push(sender.who());
    await stage.settle();
    expect(handled()).to.deep.equal([]);
    door.resolve();
    await stage.settle();
    expect(await stopping).to.deep.include({ running: 0, waiting: 0 });
    expect(roleOf(standby)).to.equal('active');
    expect(await Promise.all(calls)).to.have.members(['B', 'A']);
    expect(handled()).to.deep.equal(['B 1', 'A 2']);
    expect(trail.filter((line) => line.startsWith('two'))).to.deep.equal([]);
  });

  it('is replaced when it is gone without a word, by the newest standby, after three seconds', async () => {
    const connection = stage.broker.connect() as Transport & { abort(reason: Error): void };
    const [oldest, older] = [await start('A'), await start('B')];
    await start('C', { transport: connection });
    await stage.settle();
    expect([roleOf(oldest), roleOf(older)]).to.deep.equal(['standby', 'standby']);
    await stage.clock.advance(10_000);
    connection.abort(new Error('killed'));
    await stage.clock.advance(1_900);
    expect([roleOf(oldest), roleOf(older)]).to.deep.equal(['standby', 'standby']);
    await stage.clock.advance(1_200);
    expect([roleOf(oldest), roleOf(older)]).to.deep.equal(['standby', 'active']);
  });

  it('has one that is active when several start at the same time', async () => {
    for (const count of [2, 3, 5]) {
      const hosts = await Promise.all(Array.from({ length: count }, (_, n) => stage.start(soloNamed(`S${count}${n}`))));
      await stage.clock.advance(4_000);
      expect(trail.filter((line) => line.startsWith(`S${count}`) && line.endsWith('active true'))).to.have.length(1);
      expect(hosts.map(roleOf).sort()).to.deep.equal(['active', ...Array.from({ length: count - 1 }, () => 'standby')]);
      const stopping = Promise.all(hosts.map((host) => host.stop()));
      await stage.clock.advance(30_000);
      await stopping;
    }
    expect(trail.filter((line) => line.startsWith('two'))).to.deep.equal([]);
  });

  for (const way of ['a newer one starts', 'the active one stops']) {
    it(`has one that is active when a third comes at any moment in which ${way}`, async () => {
      for (let moment = 0; moment < 16; moment++) {
        const hosts = [await start(`A${moment}`)];
        const changes: Promise<unknown>[] = [];
        if (way === 'the active one stops') {
          const active = await start(`B${moment}`);
          await stage.settle();
          changes.push(active.stop());
        } else changes.push(stage.start(soloNamed(`B${moment}`), { clock: later(1) }).then((host) => hosts.push(host)));
        for (let turns = 0; turns < moment; turns++) await turn();
        changes.push(stage.start(soloNamed(`C${moment}`), { clock: later(2) }).then((host) => hosts.push(host)));
        let mostAtOnce = 0;
        for (let turns = 0; turns < 60; turns++) {
          await turn();
          mostAtOnce = Math.max(mostAtOnce, hosts.filter((host) => roleOf(host) === 'active').length);
        }
        await stage.clock.advance(8_000);
        await Promise.all(changes);
        expect(hosts.filter((host) => roleOf(host) === 'active')).to.have.length(1);
        expect(mostAtOnce).to.equal(1);
        const stopping = Promise.all(hosts.map((host) => host.stop()));
        await stage.clock.advance(30_000);
        await stopping;
      }
    });
  }

  it('has one again when two were active since neither heard of the other', async () => {
    let apart = true;
    /** A connection on which the instances don't hear each other. */
    const deaf = (inner: Transport): Transport =>
      new Proxy(inner, {
        get: (target, name) => {
          const value = Reflect.get(target, name);
          if (name === 'subscribe') {
            return (pattern: string, options: object, deliver: (message: unknown) => void) =>
              target.subscribe(apart && pattern.endsWith('.claim') ? 'nowhere' : pattern, options, (message) => {
                if (!apart || !pattern.includes('.instances.')) deliver(message);
              });
          }
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    // Its own candidacy is not heard either, which takes the time of a silence.
    const starting = [start('A', { transport: deaf(stage.broker.connect()) })];
    await stage.clock.advance(4_000);
    starting.push(start('B', { transport: deaf(stage.broker.connect()) }));
    await stage.clock.advance(4_000);
    const hosts = await Promise.all(starting);
    expect(hosts.map(roleOf)).to.deep.equal(['active', 'active']);
    apart = false;
    await stage.clock.advance(2_000);
    expect(hosts.map(roleOf)).to.deep.equal(['standby', 'active']);
  });

  it('hands over as soon as its link is back, where a newer one has become active meanwhile', async () => {
    const older = await start('A', { transport: stage.broker.connect({ name: 'away' }) });
    stage.broker.interrupt({ connection: 'away' });
    const newer = await start('B');
    expect([roleOf(older), roleOf(newer)]).to.deep.equal(['active', 'active']);
    stage.broker.restore();
    await stage.settle();
    expect([roleOf(older), roleOf(newer)]).to.deep.equal(['standby', 'active']);
  });

  it('hands over though it may not subscribe to what standbys are asked, and takes over when it is alone', async () => {
    const unasked = (inner: Transport): Transport =>
      new Proxy(inner, {
        get: (target, name) => {
          const value = Reflect.get(target, name);
          if (name === 'subscribe') {
            return (pattern: string, ...more: [SubscribeOptions, (message: Inbound) => void]) =>
              pattern.endsWith('.standby')
                ? Promise.reject(new BusError('not granted', { reason: 'TERABUS_NATS_FORBIDDEN' }))
                : target.subscribe(pattern, ...more);
          }
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const older = await start('A', { transport: unasked(stage.broker.connect()) });
    const newer = await start('B');
    await stage.settle();
    expect([roleOf(older), roleOf(newer)]).to.deep.equal(['standby', 'active']);
    const stopping = newer.stop();
    await stage.settle();
    await stopping;
    expect(roleOf(older)).to.equal('active');
  });

  it('answers calls at once, and counts messages, for which it has no room while it takes over', async () => {
    await start('A');
    const sender = await startSender();
    const door = deferred<void>();
    gates = { A: door.promise };
    await sender.tell();
    await stage.settle();
    const newer = await start('B');
    await stage.settle();
    await sender.tell(10_000);
    await stage.settle();
    const call = rejection(sender.who());
    await sender.tell(2);
    await stage.settle();
    const error = await call;
    expect([error.code, error.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'TERABUS_OVERLOADED']);
    expect(error.rawMessage).to.contain('10000 messages are held until another instance has finished');
    expect(newer.counters).to.deep.include({ refused: 1, dropped: 2 });
    // What it holds it handles, though that is more than may wait in the queue of a group.
    door.resolve();
    await stage.settle();
    expect(newer.counters).to.deep.include({ handled: 10_000, refused: 1, dropped: 2 });
  });

  it('does not execute a call that it held until the time of its caller was over', async () => {
    await start('A');
    const sender = await startSender();
    const door = deferred<void>();
    gates = { A: door.promise };
    await sender.tell();
    await stage.settle();
    const newer = await start('B');
    await stage.settle();
    const call = rejection(sender.who({ timeoutMs: 1_000 }));
    await stage.clock.advance(1_500);
    expect((await call).reason).to.equal('TERABUS_RPC_TIMEOUT');
    door.resolve();
    await stage.settle();
    expect(roleOf(newer)).to.equal('active');
    expect(ran).to.deep.equal([]);
  });

  it('is replaced within seconds where the one that takes over is killed before it has', async () => {
    const connection = stage.broker.connect() as Transport & { abort(reason: Error): void };
    const older = await start('A');
    const sender = await startSender();
    const door = deferred<void>();
    gates = { A: door.promise };
    await sender.tell();
    await stage.settle();
    await start('B', { transport: connection });
    await stage.settle();
    connection.abort(new Error('killed'));
    door.resolve();
    await stage.clock.advance(3_100);
    expect(roleOf(older)).to.equal('active');
  });

  /** A connection of which the n-th subscription of a kind fails. */
  const failing = (inner: Transport, what: string, nth: number): Transport => {
    let count = 0;
    return new Proxy(inner, {
      get: (target, name) => {
        const value = Reflect.get(target, name);
        if (name === 'subscribe') {
          return (pattern: string, ...more: [SubscribeOptions, (message: Inbound) => void]) => {
            if (pattern.endsWith(what)) count += 1;
            if (!pattern.endsWith(what) || count !== nth) return target.subscribe(pattern, ...more);
            return Promise.reject(new BusError('not now', { reason: 'TERABUS_DISCONNECTED' }));
          };
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };

  it('takes over at last where its first try to be the one who is asked fails', async () => {
    const older = await start('A');
    const newer = await start('B', { transport: failing(stage.broker.connect(), '.claim', 1) });
    await stage.settle();
    expect([roleOf(older), roleOf(newer)]).to.deep.equal(['handing-over', 'taking-over']);
    await stage.clock.advance(3_100);
    const sender = await startSender();
    const call = sender.who();
    await stage.settle();
    expect([roleOf(older), roleOf(newer), await call]).to.deep.equal(['standby', 'active', 'B']);
  });

  for (const what of ['.messages', '.rpc', '.heartbeat']) {
    it(`holds nothing where its subscription of ${what.slice(1)} fails as it takes over, and tries again`, async () => {
      const standby = await start('A', { transport: failing(stage.broker.connect(), what, 2) });
      const active = await start('B');
      await stage.settle();
      const sender = await startSender();
      const stopping = active.stop();
      await stage.settle();
      const calls = Array.from({ length: 8 }, () => sender.who());
      await sender.tell(8);
      await stage.settle();
      expect([roleOf(standby), standby.health().services[0]?.held]).to.deep.equal(['standby', 0]);
      expect(handled()).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `B ${n}`));
      expect(new Set(await Promise.all(calls))).to.deep.equal(new Set(['B']));
      await stage.clock.advance(10_000);
      await stopping;
      expect(roleOf(standby)).to.equal('active');
    });
  }

  it('runs its tasks where it is active, and nowhere else', async () => {
    await start('A');
    await stage.clock.advance(1_000);
    expect(ticks()).to.deep.equal(['A tick', 'A tick']);
    trail = [];
    await start('B');
    await stage.clock.advance(1_000);
    expect(ticks()).to.deep.equal(['B tick', 'B tick']);
  });

  it('handles nothing before onActive has ended', async () => {
    const door = deferred<void>();
    gates = { 'B onActive': door.promise };
    await start('A');
    const sender = await startSender();
    const starting = start('B');
    await stage.clock.advance(1);
    await sender.tell();
    await stage.settle();
    expect(handled()).to.deep.equal([]);
    door.resolve();
    await starting;
    await stage.settle();
    expect(handled()).to.deep.equal(['B 1']);
  });

  it('gives up on handlers that do not end, so that the newer one can work', async () => {
    await start('A', { drainTimeoutMs: 5_000 });
    const sender = await startSender();
    gates = { A: new Promise(() => {}) };
    await sender.tell();
    const call = rejection(sender.who());
    await stage.settle();
    const newer = await start('B');
    await stage.clock.advance(4_900);
    expect(roleOf(newer)).to.equal('taking-over');
    await stage.clock.advance(200);
    expect(roleOf(newer)).to.equal('active');
    expect((await call).reason).to.equal('TERABUS_DRAINING');
  });

  it('can be active again, and then takes calls and messages as before', async () => {
    const first = await start('A');
    const second = await start('B');
    await stage.settle();
    const stopping = second.stop();
    await stage.settle();
    await stopping;
    const sender = await startSender();
    const call = sender.who();
    await sender.tell(2);
    await stage.settle();
    expect([roleOf(first), await call, handled()]).to.deep.equal(['active', 'A', ['A 1', 'A 2']]);
  });

  it('stops with all its instances at once', async () => {
    const hosts = [await start('A'), await start('B'), await start('C')];
    const stopping = Promise.all(hosts.map((host) => host.stop()));
    await stage.clock.advance(30_000);
    expect((await stopping).map(({ running, waiting }) => running + waiting)).to.deep.equal([0, 0, 0]);
    expect(stage.clock.pendingTimers).to.equal(0);
  });

  it('ends with its connection, also while it takes over', async () => {
    await start('A');
    const sender = await startSender();
    gates = { A: new Promise(() => {}) };
    await sender.tell();
    await stage.settle();
    const newer = await start('B');
    await stage.settle();
    expect(roleOf(newer)).to.equal('taking-over');
    await stage.broker.close();
    await stage.clock.advance(30_000);
    await newer.stop();
    expect(newer.state).to.equal('stopped');
  });

  it('does not heed what is no note of an instance', async () => {
    const host = await start('A');
    const texts = ['', 'x', '{}', '{"id":"Z","is":"king"}', `{"id":"${'Z'.repeat(600)}","is":"active"}`, 'null'];
    for (const text of texts) {
      for (const topic of ['news', 'claim']) {
        const bytes = new TextEncoder().encode(text);
        await stage.client.publish({ topic: `module.Test.Solo.instances.${topic}`, bytes });
      }
    }
    await stage.settle();
    expect(roleOf(host)).to.equal('active');
  });
});
