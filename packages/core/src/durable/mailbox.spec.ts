import { type Message, type MessageType, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { DurableTrackedContext, Host } from '../index.js';
import { defineModule, OnMessage, planStreams, Service, TeraService } from '../index.js';
import { type Deferred, deferred } from '../service/deferred.js';
import { Stage } from '../service/stage.spec.js';

const Clinic = defineModule('Test.Clinic', { messages: { types: [UserEvent], durable: true } });
const user = (userUuid: string) => [UserEvent, UserEvent.create({ userUuid })] as [MessageType, Message];
const EPOCH = { headers: { 'Terabus-Epoch': '01JGFJJZ000000000000000001' } };

describe('a durable mailbox of a module', () => {
  let stage: Stage;
  let trail: string[];
  let failing: number;
  let doors: Map<string, Deferred<void>>;
  beforeEach(() => {
    stage = new Stage();
    trail = [];
    failing = 0;
    doors = new Map();
    stage.broker.provision(planStreams([ClinicService]));
  });
  afterEach(() => {
    for (const door of doors.values()) door.resolve();
    return stage.end();
  });

  @Service(Clinic)
  class ClinicService extends TeraService {
    @OnMessage(Clinic.messages, UserEvent)
    async onUser({ userUuid }: UserEvent, { verdict, durable }: DurableTrackedContext) {
      trail.push(`${userUuid} ${verdict.kind} ${durable.attempt}`);
      await doors.get(userUuid)?.promise;
      failing -= 1;
      if (failing >= 0) throw new Error('not yet');
    }
  }

  const start = async (name?: string): Promise<Host> => {
    const starting = stage.start(ClinicService, { transport: stage.broker.connect({ name }) });
    await stage.clock.advance(500);
    return starting;
  };
  const send = (seq: number, options = {}) =>
    stage.message(Clinic.messages.name, user(String(seq)), { seq, ...EPOCH, ...options });
  const sequences = () => stage.eventsOf('sequence').map(({ verdict, dropped }) => [verdict.kind, dropped]);

  it('keeps for a message that is tried again what its number said at first', async () => {
    failing = 1;
    await start();
    await send(1);
    await send(2);
    await stage.clock.advance(2_000);
    expect(trail).to.deep.equal(['1 first 1', '2 in-order 1', '1 first 2']);
    expect(sequences()).to.deep.equal([['first', false]]);
  });

  it('tells of gaps and of duplicates, and drops neither', async () => {
    const host = await start();
    await send(1);
    await send(4);
    await send(4);
    expect(trail).to.deep.equal(['1 first 1', '4 gap 1', '4 duplicate 1']);
    expect(host.counters).to.include({ missing: 2, duplicates: 0, handled: 3 });
  });

  it('listens to no heartbeats: nothing that is stored is lost on the way', async () => {
    const host = await start();
    await send(1);
    await stage.heartbeat(Clinic.messages.name, { seq: 5, ...EPOCH });
    expect(host.counters.missing).to.equal(0);
  });

  it('is read by the active instance alone, which hands over what it has not begun', async () => {
    doors.set('1', deferred());
    const first = await start();
    for (const seq of [1, 2, 3]) await send(seq);
    const second = await start();
    await stage.clock.advance(500);
    expect(trail).to.deep.equal(['1 first 1']);
    expect(second.health().services[0]?.role).to.equal('taking-over');
    doors.get('1')?.resolve();
    await stage.clock.advance(1_000);
    expect(second.health().services[0]?.role).to.equal('active');
    expect(trail).to.deep.equal(['1 first 1', '2 untracked 1', '3 untracked 1']);
    await send(4);
    expect(trail.at(-1)).to.equal('4 first 1');
    expect([first.counters.handled, second.counters.handled]).to.deep.equal([1, 3]);
    await Promise.all([second.stop(), stage.clock.advance(2_000)]);
    await send(5);
    await stage.clock.advance(5_000);
    expect(trail.at(-1)?.slice(0, 1)).to.equal('5');
    expect(first.counters.handled).to.equal(2);
  });

  it('loses nothing with an instance that is gone', async () => {
    doors.set('2', deferred());
    await start('dies');
    for (const seq of [1, 2, 3]) await send(seq);
    const second = await start();
    stage.broker.interrupt({ connection: 'dies' });
    doors.clear();
    await stage.clock.advance(30_000);
    expect(second.counters.handled).to.equal(2);
    expect(
      trail
        .slice(2)
        .map((line) => line.slice(0, 1))
        .sort(),
    ).to.deep.equal(['2', '3']);
  });
});
