import {
  DeviceEvent,
  decodeTeraEvent,
  encodeTeraEvent,
  type Message,
  type MessageType,
  packAny,
  UserEvent,
} from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { contractOf } from '../contract/contract-of.js';
import type { DurableContext, Host, HostOptions, ServiceClass } from '../index.js';
import { defineService, defineTopic, from, OnEvent, planStreams, Service, TeraService } from '../index.js';
import { type Deferred, deferred } from '../service/deferred.js';
import { rejection, Stage, thrown } from '../service/stage.spec.js';
import { systemClock } from '../transport/memory/index.js';
import type { StreamPlan } from '../transport/store-plan.js';
import type { StreamDelivery, Streams } from '../transport/streams.js';
import { bucketOf, consumerOf, deadLettersOf, retriesOf } from './names.js';

const Clinic = defineService('Test.Clinic', { instances: 'one' });
const visits = defineTopic('visits.{ward}', { wrapper: 'event', types: [UserEvent, DeviceEvent], durable: true });
const bills = defineTopic('bills', { wrapper: 'event', types: [UserEvent], durable: true });
const user = (userUuid: string) => [UserEvent, UserEvent.create({ userUuid })] as [MessageType, Message];
const device = (deviceUuid: string) => [DeviceEvent, DeviceEvent.create({ deviceUuid })] as [MessageType, Message];
const DEAD = deadLettersOf(Clinic.address);
const RETRIES = retriesOf(Clinic.address);

/** What comes while nobody wants it any more. */
const LATE: StreamDelivery = {
  ...{ subject: 'visits.a', bytes: new Uint8Array(), headers: new Map(), stream: 'visits.{ward}', sequence: 1 },
  ...{ storedAt: 0, deliveries: 1, pending: 0, ack: () => undefined, later: () => undefined },
  ...{ superseded: () => undefined, working: () => undefined },
};

describe('what is stored', () => {
  let stage: Stage;
  let trail: string[];
  /** By user, how often its handler is to fail. */
  let failing: Map<string, number>;
  /** Handlers of these users wait. */
  let doors: Map<string, Deferred<void>>;
  beforeEach(() => {
    stage = new Stage();
    trail = [];
    failing = new Map();
    doors = new Map();
  });
  afterEach(async () => {
    for (const door of doors.values()) door.resolve();
    await stage.end();
  });

  const work = async ({ userUuid }: UserEvent, { durable }: DurableContext) => {
    trail.push(`${userUuid} ${durable.attempt}`);
    await doors.get(userUuid)?.promise;
    const left = failing.get(userUuid) ?? 0;
    failing.set(userUuid, left - 1);
    if (left > 0) throw new Error(`not ${userUuid}`);
  };

  const clinic = (options: Parameters<typeof from>[1] = {}) => {
    const source = from(visits.all, options);
    @Service(Clinic, { uses: [visits, bills] })
    class ClinicService extends TeraService {
      @OnEvent(source, UserEvent)
      onUser(event: UserEvent, context: DurableContext) {
        return work(event, context);
      }
    }
    return ClinicService;
  };

  const start = async (service: ServiceClass = clinic(), options: Partial<HostOptions> = {}): Promise<Host> => {
    stage.broker.provision(planStreams([service], options.store));
    const starting = stage.start(service, options);
    await stage.clock.advance(500);
    const host = await starting;
    await stage.settle();
    return host;
  };
  const say = (...messages: (readonly [MessageType, Message])[]) => stage.event('visits.a', messages);
  const ofStream = () => stage.client.streams.consumerState('visits.{ward}', consumerOf(Clinic.address, 'visits.*'));
  const left = async () => {
    const { streams } = stage.client;
    const [consumer, retries, dead] = await Promise.all([
      ofStream(),
      streams.streamState(RETRIES),
      streams.streamState(DEAD),
    ]);
    return { unsettled: consumer.unsettled, pending: consumer.pending, retries: retries.messages, dead: dead.messages };
  };
  const NOTHING = { unsettled: 0, pending: 0, retries: 0, dead: 0 };
  const update = (name: string, changes: Partial<StreamPlan>) => stage.broker.updateStream(name, changes);
  const reasons = (host: Host) => host.health().problems.map(({ reason }) => reason);
  const stop = async (host: Host) => {
    const stopping = host.stop();
    await stage.clock.advance(60_000);
    return stopping;
  };

  it('is handled in order and acknowledged', async () => {
    const host = await start();
    await say(user('1'));
    await say(user('2'));
    expect(trail).to.deep.equal(['1 1', '2 1']);
    expect(await left()).to.deep.equal(NOTHING);
    expect(host.health().ready).to.equal(true);
  });

  it('waits for a service that is not there', async () => {
    const service = clinic();
    stage.broker.provision(planStreams([service]));
    await say(user('1'));
    await start(service);
    expect(trail).to.deep.equal(['1 1']);
  });

  it('goes back when its intake has ended, not into the end of it', async () => {
    const transport = stage.broker.connect({ name: 'ends' });
    const told: string[] = [];
    const { streams } = transport;
    const consume: Streams['consume'] = async (options, deliver) => {
      const consuming = await streams.consume(options, deliver);
      const stop = async () => {
        if (options.stream !== RETRIES) deliver({ ...LATE, later: () => told.push('given back') });
        await consuming.stop();
        told.push(options.stream === RETRIES ? 'retries ended' : 'ended');
      };
      return { stop };
    };
    const members = { consume, expect: streams.expect.bind(streams), streamState: streams.streamState.bind(streams) };
    const watched = new Proxy(transport, {
      get: (target, name) => {
        if (name === 'streams') return members;
        const member = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const host = await start(clinic(), { transport: watched });
    await stop(host);
    expect([...told].sort()).to.deep.equal(['ended', 'given back', 'retries ended']);
    expect(told.at(-1)).to.equal('given back');
  });

  it('is not taken faster than it is handled', async () => {
    doors.set('0', deferred());
    const host = await start(clinic({ maxUnsettled: 3 }));
    for (let n = 0; n < 10; n++) await say(user(String(n)));
    expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 3, pending: 7 });
    host.health();
    await stage.settle();
    expect(host.health().services[0]?.groups[0]?.stored).to.deep.equal({ unsettled: 3, backlog: 7 });
    doors.get('0')?.resolve();
    await stage.settle();
    expect(trail).to.have.lengthOf(10);
    expect(host.counters.dropped).to.equal(0);
  });

  it('is not handed out to another one while its handler runs, however long', async () => {
    doors.set('1', deferred());
    await start(clinic({ ackWaitMs: 1_000 }));
    await say(user('1'));
    await say(user('2'));
    const other: unknown[] = [];
    const consumer = consumerOf(Clinic.address, 'visits.*');
    const limits = { maxUnsettled: 100, maxUnsettledBytes: 1e6 };
    const reading = await stage.client.streams.consume({ stream: 'visits.{ward}', consumer, ...limits }, (delivery) =>
      other.push(delivery),
    );
    await stage.clock.advance(5_000);
    expect(other).to.deep.equal([]);
    await reading.stop();
    doors.get('1')?.resolve();
    await stage.settle();
    expect(trail).to.deep.equal(['1 1', '2 1']);
    expect(await left()).to.deep.equal(NOTHING);
  });

  describe('when its handler fails', () => {
    it('is tried again with growing delay, while the others go on', async () => {
      failing.set('1', 3);
      await start();
      await say(user('1'));
      await say(user('2'));
      expect(trail).to.deep.equal(['1 1', '2 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 1 });
      await stage.clock.advance(700);
      expect(trail).to.have.lengthOf(2);
      await stage.clock.advance(300);
      expect(trail.slice(2)).to.deep.equal(['1 2']);
      await stage.clock.advance(1_200);
      expect(trail).to.have.lengthOf(3);
      await stage.clock.advance(800);
      expect(trail.slice(3)).to.deep.equal(['1 3']);
      await stage.clock.advance(2_200);
      expect(trail).to.have.lengthOf(4);
      await stage.clock.advance(1_800);
      expect(trail.slice(4)).to.deep.equal(['1 4']);
      expect(await left()).to.deep.equal(NOTHING);
      expect(stage.eventsOf('retried').map(({ tries }) => tries)).to.deep.equal([1, 2, 3]);
    });

    it('is dead-lettered after as many tries as the contract says, with its bytes and everything that is known', async () => {
      failing.set('1', 9);
      const host = await start(clinic(), { version: '1.2.3' });
      await say(user('1'));
      await stage.clock.advance(600_000);
      expect(trail).to.deep.equal(['1 1', '1 2', '1 3', '1 4', '1 5']);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
      expect(host.counters).to.include({ retried: 4, deadLettered: 1, failed: 5 });
      const letter = await stage.client.streams.read(DEAD, { fromSequence: 1 });
      const original = await stage.client.streams.read('visits.{ward}', { fromSequence: 1 });
      expect(letter?.bytes).to.deep.equal(original?.bytes);
      expect(Object.fromEntries(letter?.headers ?? [])).to.deep.include({
        'Terabus-Dead-Reason': 'TERABUS_HANDLER_FAILED',
        'Terabus-Dead-Service': 'service.Test.Clinic',
        'Terabus-Dead-Version': '1.2.3',
        'Terabus-Dead-Handler': 'ClinicService.onUser',
        'Terabus-Dead-Topic': 'visits.a',
        'Terabus-Dead-Tries': '5',
        'Terabus-Dead-Stream': 'visits.%7Bward%7D',
        'Terabus-Dead-Sequence': '1',
        'Terabus-Subject': 'visits.a',
        'Terabus-Origin': 'visits.%7Bward%7D/1/0',
      });
    });

    it('is tried again in a stream that was made anew too, whose numbers begin again', async () => {
      failing.set('1', 1);
      failing.set('2', 1);
      await start();
      await say(user('1'));
      await stage.clock.advance(10_000);
      stage.broker.deleteStream('visits.{ward}');
      stage.broker.provision(planStreams([clinic()]));
      await stage.clock.advance(10_000);
      await say(user('2'));
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['1 1', '1 2', '2 1', '2 2']);
    });

    it('is tried again by a clock that goes in fractions of milliseconds', async () => {
      failing.set('1', 1);
      await start();
      await stage.clock.advance(1_000 / 3);
      await say(user('1'));
      await stage.clock.advance(60_000);
      expect(trail).to.deep.equal(['1 1', '1 2']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is dead-lettered with whole milliseconds by such a clock', async () => {
      failing.set('1', 99);
      const service = clinic();
      const host = await start(service);
      await stage.clock.advance(1_000 / 3);
      await say(user('1'));
      await stage.clock.advance(3_600_000);
      const { letters } = await host.deadLetters(service).list();
      expect(letters[0]?.reason).to.equal('TERABUS_HANDLER_FAILED');
      expect(letters[0]?.firstFailed).to.satisfy(Number.isInteger);
      expect(letters[0]?.lastFailed).to.satisfy(Number.isInteger);
    });

    it('never meets its siblings in one envelope again', async () => {
      failing.set('2', 1);
      await start();
      await say(user('1'), user('2'), device('d'), user('3'));
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['1 1', '2 1', '3 1', '2 2']);
      expect(await left()).to.deep.equal(NOTHING);
      expect(stage.eventsOf('unhandled')).to.have.lengthOf(1);
    });

    it('runs out of time as one that fails', async () => {
      doors.set('1', deferred());
      await start(clinic({ timeoutMs: 100, abandonAfterMs: 100 }));
      await say(user('1'));
      await stage.clock.advance(100);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 1 });
    });

    it('is kept while nobody takes it, and put aside when somebody does', async () => {
      failing.set('1', 1);
      const host = await start();
      stage.broker.deleteStream(RETRIES);
      await say(user('1'), user('2'));
      await stage.clock.advance(60_000);
      expect(trail).to.deep.equal(['1 1', '2 1']);
      expect((await ofStream()).unsettled).to.equal(1);
      expect(reasons(host)).to.include('TERABUS_STREAM_UNAVAILABLE');
      stage.broker.provision(planStreams([clinic()]));
      await stage.clock.advance(20_000);
      expect(trail).to.deep.equal(['1 1', '2 1', '1 2']);
      expect(await left()).to.deep.equal(NOTHING);
      expect(reasons(host)).to.deep.equal([]);
    });

    it('is not given up before its dead letter is stored', async () => {
      failing.set('1', 9);
      const host = await start();
      update(DEAD, { maxBytes: 1 });
      await say(user('1'));
      await stage.clock.advance(600_000);
      expect(trail).to.have.lengthOf(5);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 1 });
      expect(host.health().ready).to.equal(false);
      update(DEAD, { maxBytes: -1 });
      await stage.clock.advance(20_000);
      expect(trail).to.have.lengthOf(5);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
    });

    it('is tried again in its place when it is too large for what is added', async () => {
      await stage.end();
      stage = new Stage({ maxPayloadBytes: 1_000 });
      failing.set('1', 1);
      await start();
      const filler = UserEvent.create({ userUuid: 'x'.repeat(820) });
      await say(user('1'), [UserEvent, filler]);
      await stage.clock.advance(2_000);
      expect(trail.map((line) => line.slice(0, 3))).to.deep.equal(['1 1', 'xxx', '1 2']);
      expect(await left()).to.deep.equal(NOTHING);
    });
  });

  describe('when there is no room for what is tried again', () => {
    const FULL = { maxBytes: 1 };
    const ROOM = { maxBytes: -1 };
    const names = Array.from({ length: 10 }, (_, n) => `bad ${n}`);

    it('is tried in its place, and given up after its tries, while others go on', async () => {
      const service = clinic();
      const host = await start(service);
      update(RETRIES, { maxMessages: 2 });
      for (const name of names) {
        failing.set(name, 9);
        await say(user(name));
      }
      await say(user('good'));
      expect(trail.at(-1)).to.equal('good 1');
      expect(await left()).to.deep.equal({ unsettled: 8, pending: 0, retries: 2, dead: 0 });
      expect(reasons(host)).to.include('TERABUS_STREAM_FULL');
      await stage.clock.advance(600_000);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 10 });
      const tried = (name: string) => trail.filter((line) => line.startsWith(name));
      for (const name of names) expect(tried(name)).to.deep.equal([1, 2, 3, 4, 5].map((n) => `${name} ${n}`));
      const { letters } = await host.deadLetters(service).list();
      expect(letters.map(({ tries }) => tries)).to.deep.equal(Array(10).fill(5));
      expect(reasons(host)).not.to.include('TERABUS_STREAM_FULL');
    });

    it('is put aside as soon as there is some', async () => {
      failing.set('1', 3);
      const host = await start();
      update(RETRIES, FULL);
      await say(user('1'));
      await stage.clock.advance(1_000);
      expect(trail).to.deep.equal(['1 1', '1 2']);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      expect(stage.eventsOf('retried').map(({ inPlace }) => inPlace)).to.deep.equal([true, true]);
      expect(host.health().ready).to.equal(false);
      update(RETRIES, ROOM);
      await stage.clock.advance(2_000);
      expect(trail.slice(2)).to.deep.equal(['1 3']);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 1 });
      expect(host.health()).to.deep.include({ ready: true, problems: [] });
      await stage.clock.advance(4_000);
      expect(trail.slice(3)).to.deep.equal(['1 4']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is no problem any more when it is handled in its place', async () => {
      failing.set('1', 1);
      const host = await start();
      update(RETRIES, FULL);
      await say(user('1'));
      expect(reasons(host)).to.include('TERABUS_STREAM_FULL');
      await stage.clock.advance(1_000);
      expect(trail).to.deep.equal(['1 1', '1 2']);
      expect(reasons(host)).not.to.include('TERABUS_STREAM_FULL');
    });

    it('lets those of its key go on, and takes its turn behind them', async () => {
      const key = (message: unknown) => (message as UserEvent).userUuid.slice(0, 1);
      failing.set('a1', 1);
      doors.set('a2', deferred());
      const host = await start(clinic({ key } as Parameters<typeof from>[1]));
      update(RETRIES, FULL);
      await say(user('a1'));
      await say(user('a2'));
      await say(user('a3'));
      await stage.clock.advance(5_000);
      expect(trail).to.deep.equal(['a1 1', 'a2 1']);
      const group = () => host.health().services[0]?.groups[0];
      expect(group()).to.deep.include({ running: 1, waiting: 2 });
      doors.get('a2')?.resolve();
      await stage.settle();
      expect(trail.slice(2)).to.deep.equal(['a3 1', 'a1 2']);
      await say(user('a4'));
      expect(trail.slice(4)).to.deep.equal(['a4 1']);
      expect(group()).to.deep.include({ running: 0, waiting: 0 });
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is not begun beside itself where its handler ran out of time', async () => {
      doors.set('1', deferred());
      await start(clinic({ concurrency: 2, timeoutMs: 100, abandonAfterMs: 60_000 }));
      update(RETRIES, FULL);
      await say(user('1'));
      await stage.clock.advance(30_000);
      expect(trail).to.deep.equal(['1 1']);
      doors.get('1')?.resolve();
      await stage.clock.advance(5_000);
      expect(trail).to.deep.equal(['1 1', '1 2']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('stays with who has it, however long it waits', async () => {
      failing.set('1', 4);
      await start(clinic({ ackWaitMs: 1_000 }));
      update(RETRIES, FULL);
      await say(user('1'));
      const other: unknown[] = [];
      const place = { stream: 'visits.{ward}', consumer: consumerOf(Clinic.address, 'visits.*') };
      const reading = await stage.client.streams.consume(
        { ...place, maxUnsettled: 100, maxUnsettledBytes: 1e6 },
        (delivery) => other.push(delivery),
      );
      await stage.clock.advance(60_000);
      await reading.stop();
      expect(other).to.deep.equal([]);
      expect(trail).to.deep.equal(['1 1', '1 2', '1 3', '1 4', '1 5']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is handed out again with the tries that are stored when its service drains', async () => {
      failing.set('1', 2);
      const service = clinic();
      const host = await start(service);
      update(RETRIES, FULL);
      await say(user('1'));
      await stage.clock.advance(1_000);
      expect(trail).to.deep.equal(['1 1', '1 2']);
      const before = stage.clock.elapsed();
      const stopping = host.stop();
      await stage.clock.advance(100);
      await stopping;
      expect(stage.clock.elapsed() - before).to.be.lessThan(200);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      update(RETRIES, ROOM);
      await start(service);
      expect(trail.slice(2)).to.deep.equal(['1 1']);
    });

    it('is handed out again where it fails while its service drains', async () => {
      doors.set('1', deferred());
      failing.set('1', 9);
      const host = await start();
      update(RETRIES, FULL);
      await say(user('1'));
      const before = stage.clock.elapsed();
      const stopping = host.stop();
      await stage.settle();
      doors.get('1')?.resolve();
      await stage.clock.advance(100);
      await stopping;
      expect(stage.clock.elapsed() - before).to.be.lessThan(200);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      expect(stage.eventsOf('retried')).to.deep.equal([]);
    });
  });

  describe('and can not be read', () => {
    it('is dead-lettered though it has no room for anything beside it', async () => {
      await stage.end();
      stage = new Stage({ maxPayloadBytes: 1_000 });
      const service = clinic();
      const host = await start(service);
      await stage.client.publish({ topic: 'visits.a', bytes: new Uint8Array(1_000).fill(0xff) });
      await say(user('1'));
      await stage.clock.advance(2_000);
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
      const dead = host.deadLetters(service);
      const { letters } = await dead.list();
      expect(letters[0]).to.deep.include({ isCut: true, sequence: 1, reason: 'TERABUS_MESSAGE_UNDECODABLE' });
      expect(letters[0]?.bytes).to.have.lengthOf(0);
      expect(await rejection(dead.replay(1))).to.have.property('reason', 'TERABUS_PAYLOAD_TOO_LARGE');
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
    });

    it('is dead-lettered at once, and the others go on', async () => {
      await start();
      await stage.client.publish({ topic: 'visits.a', bytes: new Uint8Array([1, 2, 3]) });
      await say(user('1'));
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
      const letter = await stage.client.streams.read(DEAD, { fromSequence: 1 });
      expect(letter?.bytes).to.deep.equal(new Uint8Array([1, 2, 3]));
      expect(letter?.headers.get('Terabus-Dead-Reason')).to.equal('TERABUS_MESSAGE_UNDECODABLE');
      expect(letter?.headers.get('Terabus-Origin')).to.equal('visits.%7Bward%7D/1/-');
    });

    it('is dead-lettered when its header contradicts its subject', async () => {
      await start();
      await stage.event('visits.a', [user('1')], 'visits.b');
      expect(trail).to.deep.equal([]);
      const letter = await stage.client.streams.read(DEAD, { fromSequence: 1 });
      expect(letter?.headers.get('Terabus-Dead-Reason')).to.equal('TERABUS_MESSAGE_MISPLACED');
    });

    it('is dead-lettered without its siblings when one content of it is bad', async () => {
      await start();
      const bad = { ...packAny(UserEvent, UserEvent.create({})), value: new Uint8Array([255]) };
      const good = packAny(UserEvent, UserEvent.create({ userUuid: '2' }));
      const bytes = encodeTeraEvent({ topic: 'visits.a', time: 1, events: [bad, good] });
      await stage.client.publish({ topic: 'visits.a', bytes });
      await stage.settle();
      expect(trail).to.deep.equal(['2 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
      const letter = await stage.client.streams.read(DEAD, { fromSequence: 1 });
      expect(letter?.headers.get('Terabus-Origin')).to.equal('visits.%7Bward%7D/1/0');
      expect(decodeTeraEvent(letter?.bytes ?? new Uint8Array()).events).to.have.lengthOf(2);
    });

    it('is acknowledged and counted when it is of a type that nobody here handles', async () => {
      const host = await start();
      await say(device('1'));
      expect(await left()).to.deep.equal(NOTHING);
      expect(host.counters).to.include({ unhandled: 1, badMessages: 0 });
    });

    it('is dead-lettered when what is tried again was written by nobody of Terabus', async () => {
      await start();
      const plan = planStreams([clinic()]).streams.find(({ name }) => name === RETRIES);
      const subject = plan?.subjects[0] as string;
      await stage.client.streams.store(
        { subject, stream: RETRIES, bytes: new Uint8Array(1), messageId: 'forged' },
        1_000,
      );
      await stage.settle();
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
    });
  });

  describe('over the end of a service', () => {
    it('goes back where it has not begun, and is finished where it has', async () => {
      doors.set('1', deferred());
      const service = clinic();
      const host = await start(service);
      for (const id of ['1', '2', '3']) await say(user(id));
      const stopping = host.stop();
      await stage.settle();
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 3 });
      doors.get('1')?.resolve();
      await stage.settle();
      expect(await stopping).to.deep.equal({ running: 0, waiting: 0, error: undefined });
      expect(host.counters.givenBack).to.equal(2);
      await start(service);
      expect(trail).to.deep.equal(['1 1', '2 1', '3 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('goes on alone where its siblings are done', async () => {
      doors.set('2', deferred());
      const service = clinic();
      const host = await start(service, { drainTimeoutMs: 1_000 });
      await say(user('1'), user('2'), user('3'));
      await stop(host);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 2 });
      doors.get('2')?.resolve();
      await start(service);
      expect(trail).to.deep.equal(['1 1', '2 1', '2 1', '3 1']);
    });

    it('does not wait for a dead letter that nobody takes', async () => {
      failing.set('1', 9);
      const host = await start(clinic());
      update(DEAD, { maxBytes: 1 });
      await say(user('1'));
      await stage.clock.advance(60_000);
      expect(trail).to.have.lengthOf(5);
      const before = stage.clock.elapsed();
      const stopping = host.stop();
      await stage.clock.advance(100);
      await stopping;
      expect(stage.clock.elapsed() - before).to.be.lessThan(200);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 1 });
    });
  });

  describe('over a lost link', () => {
    it('is not begun a second time while its handler runs', async () => {
      doors.set('1', deferred());
      await start(clinic({ ackWaitMs: 1_000, concurrency: 10 }));
      await say(user('1'));
      stage.broker.interrupt();
      await stage.clock.advance(5_000);
      stage.broker.restore();
      await stage.clock.advance(5_000);
      doors.get('1')?.resolve();
      await stage.clock.advance(5_000);
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('leaves as much room as there was, however often what is here comes again', async () => {
      await start(clinic({ ackWaitMs: 1_000, concurrency: 10, maxUnsettled: 3 }));
      for (const id of ['1', '2']) {
        doors.set(id, deferred());
        await say(user(id));
        stage.broker.interrupt();
        await stage.clock.advance(5_000);
        stage.broker.restore();
        await stage.clock.advance(5_000);
        doors.get(id)?.resolve();
        await stage.settle();
      }
      for (const id of ['3', '4', '5']) doors.set(id, deferred());
      for (const id of ['3', '4', '5']) await say(user(id));
      expect(trail).to.deep.equal(['1 1', '2 1', '3 1', '4 1', '5 1']);
    });

    it('is not handled again by whoever has handled it, or still does', async () => {
      doors.set('2', deferred());
      await start(clinic({ ackWaitMs: 1_000 }));
      await say(user('1'));
      await say(user('2'));
      await say(user('3'));
      stage.broker.interrupt();
      await stage.clock.advance(5_000);
      doors.get('2')?.resolve();
      await stage.clock.advance(5_000);
      expect(trail).to.deep.equal(['1 1', '2 1', '3 1']);
      stage.broker.restore();
      await stage.clock.advance(20_000);
      expect(trail).to.deep.equal(['1 1', '2 1', '3 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });
  });

  describe('at the start', () => {
    it('refuses what is not there, naming all of it', async () => {
      const starting = stage.start(clinic());
      const rejected = rejection(starting);
      await stage.clock.advance(60_000);
      const error = await rejected;
      expect(error.reason).to.equal('TERABUS_STORE_DRIFT');
      expect(error.message).to.contain("stream 'visits.{ward}' is missing");
      expect(error.message).to.contain(`bucket '${bucketOf(Clinic.address)}' is missing`);
    });

    it('refuses what differs, naming field, wanted and found', async () => {
      const service = clinic();
      stage.broker.provision(planStreams([service]));
      update('visits.{ward}', { maxMessages: 5 });
      const starting = stage.start(service);
      const rejected = rejection(starting);
      await stage.clock.advance(60_000);
      expect((await rejected).message).to.contain("maxMessages of stream 'visits.{ward}' should be 10000000 and is 5");
    });

    it('refuses a host that goes by another clock than what it is stored in', async () => {
      const service = clinic();
      stage.broker.provision(planStreams([service]));
      const error = await rejection(stage.start(service, { clock: systemClock }));
      expect(error.reason).to.equal('TERABUS_HOST_INVALID');
      expect(error.rawMessage).to.include("'clock: broker.clock'");
    });

    it('takes what was provisioned with options for what it is', async () => {
      const service = clinic();
      stage.broker.provision(planStreams([service], { replicas: 3 }));
      const starting = stage.start(service, { store: { replicas: 3 } });
      await stage.clock.advance(500);
      expect((await starting).state).to.equal('running');
    });

    it('refuses options of its plan that there are none of', async () => {
      const error = await rejection(stage.start(clinic(), { store: { replica: 3 } as never }));
      expect(error.reason).to.equal('TERABUS_HOST_INVALID');
      expect(error.rawMessage).to.equal("startHost: unknown option 'replica' in 'store'");
    });

    it('becomes unready when a consumer goes later, and goes on when it is back', async () => {
      const service = clinic();
      const host = await start(service);
      stage.broker.deleteConsumer('visits.{ward}', consumerOf(Clinic.address, 'visits.*'));
      await stage.clock.advance(5_000);
      expect(host.health().ready).to.equal(false);
      stage.broker.provision(planStreams([service]));
      await stage.clock.advance(5_000);
      await say(user('1'));
      expect(trail).to.deep.equal(['1 1']);
      expect(host.health().ready).to.equal(true);
    });
  });

  describe('refuses', () => {
    it('to be subscribed to while a service runs', async () => {
      @Service(Clinic, { uses: [visits] })
      class Late extends TeraService {
        listen() {
          return this.subscribe(visits.all, UserEvent, () => undefined);
        }
      }
      stage.broker.provision(planStreams([Late]));
      const starting = stage.start(Late);
      await stage.clock.advance(500);
      const error = await rejection((await starting).service(Late).listen());
      expect(error.message).to.contain("Late can't subscribe to 'visits.{ward}' while it runs: it is durable");
    });

    it('order per key over many instances', () => {
      const Many = defineService('Test.Many', {});
      @Service(Many, { uses: [visits] })
      class ManyService extends TeraService {
        @OnEvent(from(visits.all, { order: 'per-key', key: () => 1 }), UserEvent)
        on() {}
      }
      expect(thrown(() => contractOf(ManyService)).message).to.contain("order: 'per-key': each would get a part");
    });

    it('limits at which messages are dropped', () => {
      expect(thrown(() => from(visits.all, { maxQueued: 1 })).message).to.contain("there is 'maxUnsettled'");
    });

    it('a durable mailbox with aliases', () => {
      const Named = defineService('Test.Named', { aliases: ['x'], messages: { types: [UserEvent], durable: true } });
      @Service(Named)
      class NamedService extends TeraService {}
      expect(thrown(() => contractOf(NamedService)).message).to.contain('is not stored');
    });
  });

  describe('what its handler publishes', () => {
    const publishing = (then: (service: TeraService, context: DurableContext) => unknown) => {
      @Service(Clinic, { uses: [visits, bills] })
      class Publishing extends TeraService {
        @OnEvent(visits.all, UserEvent)
        async onUser(event: UserEvent, context: DurableContext) {
          await then(this, context);
          await work(event, context);
        }
      }
      return Publishing;
    };
    const billed = async () => (await stage.client.streams.streamState('bills')).messages;

    it('is stored once, however often the handler runs', async () => {
      failing.set('1', 3);
      await start(
        publishing(async (_, context) => {
          await context.publish(bills, UserEvent.create({ userUuid: 'a' }));
          await context.publish(bills, UserEvent.create({ userUuid: 'b' }));
        }),
      );
      await say(user('1'), user('2'));
      await stage.clock.advance(60_000);
      expect(trail).to.deep.equal(['1 1', '2 1', '1 2', '1 3', '1 4']);
      expect(await billed()).to.equal(4);
    });

    it('keeps the message unsettled until it is stored, behind the end of the handler', async () => {
      const service = publishing((_, context) => {
        void context.publish(bills, UserEvent.create({}));
      });
      doors.set('1', deferred());
      await start(service);
      stage.broker.deleteStream('bills');
      await say(user('1'));
      expect([trail, await left()]).to.deep.equal([['1 1'], { ...NOTHING, unsettled: 1 }]);
      doors.get('1')?.resolve();
      await stage.clock.advance(5_000);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      stage.broker.provision(planStreams([service]));
      await stage.clock.advance(5_000);
      expect([trail, await left()]).to.deep.equal([['1 1'], NOTHING]);
      expect(await billed()).to.equal(1);
    });

    it('is waited for before the message is acknowledged, also where the handler did not', async () => {
      const service = publishing((_, context) => {
        void context.publish(bills, UserEvent.create({})).catch(() => undefined);
      });
      await start(service);
      update('bills', { maxBytes: 1 });
      await say(user('1'));
      await stage.clock.advance(0);
      expect(await left()).to.deep.equal({ ...NOTHING, retries: 1 });
      update('bills', { maxBytes: -1 });
      await stage.clock.advance(60_000);
      expect(await billed()).to.equal(1);
      expect(await left()).to.deep.equal(NOTHING);
    });
  });

  describe('with deduplicate', () => {
    const twice = async (id: string) => {
      const bytes = encodeTeraEvent({
        topic: 'visits.a',
        time: 1,
        events: [packAny(UserEvent, UserEvent.create({ userUuid: id }))],
      });
      const headers = new Map([['Terabus-Message-Id', '01JGFJJZ000000000000000001']]);
      for (const _ of [1, 2]) {
        await stage.client.publish({ topic: 'visits.a', bytes, headers });
        await stage.settle();
      }
    };

    it('is given to its handler once, whatever comes twice', async () => {
      const host = await start(clinic({ deduplicate: true }));
      await twice('1');
      expect(trail).to.deep.equal(['1 1']);
      expect(host.counters.deduplicated).to.equal(1);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is given to it again while it fails', async () => {
      failing.set('1', 2);
      await start(clinic({ deduplicate: true }));
      await twice('1');
      await stage.clock.advance(60_000);
      expect(trail.slice(0, 3)).to.deep.equal(['1 1', '1 1', '1 2']);
      expect(trail.filter((line) => line.startsWith('1'))).to.have.lengthOf(3);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('publishes the same, whichever copy is handled after a run that came to nothing', async () => {
      @Service(Clinic, { uses: [visits, bills] })
      class BillingService extends TeraService {
        @OnEvent(from(visits.all, { deduplicate: true }), UserEvent)
        async onUser(event: UserEvent, context: DurableContext) {
          await context.publish(bills, event);
          await work(event, context);
        }
      }
      failing.set('1', 1);
      await start(BillingService);
      await twice('1');
      await stage.clock.advance(60_000);
      expect(trail).to.deep.equal(['1 1', '1 1']);
      expect((await stage.client.streams.streamState('bills')).messages).to.equal(1);
    });

    it('waits where nobody knows what was done: a bucket that is away takes no try', async () => {
      const host = await start(clinic({ deduplicate: true }));
      stage.broker.deleteBucket(bucketOf(Clinic.address));
      await say(user('1'));
      await stage.clock.advance(600_000);
      expect(trail).to.deep.equal([]);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      expect(host.health().problems.map(({ reason }) => reason)).to.include('TERABUS_BUCKET_MISSING');
      stage.broker.provision(planStreams([clinic({ deduplicate: true })]));
      await stage.clock.advance(20_000);
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal(NOTHING);
      expect(host.health().ready).to.equal(true);
    });

    it('is given to it where a stream that was made anew numbers from 1 again, and it has no message id', async () => {
      await start(clinic({ deduplicate: true }));
      await say(user('1'));
      stage.broker.deleteStream('visits.{ward}');
      stage.broker.provision(planStreams([clinic({ deduplicate: true })]));
      await stage.clock.advance(10_000);
      await say(user('2'));
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['1 1', '2 1']);
    });

    it('is given to it again where it was abandoned', async () => {
      doors.set('1', deferred());
      const limits = { deduplicate: true, timeoutMs: 1_000, abandonAfterMs: 5_000 };
      await start(clinic({ ...limits, concurrency: 2 }));
      await say(user('1'));
      doors.delete('1');
      await stage.clock.advance(5_999);
      expect(trail).to.deep.equal(['1 1']);
      await stage.clock.advance(60_000);
      expect(trail).to.have.lengthOf(2);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is given up after its tries where its handler never ends', async () => {
      doors.set('1', deferred());
      const limits = { deduplicate: true, concurrency: 2, timeoutMs: 1_000, abandonAfterMs: 1_000 };
      const host = await start(clinic(limits));
      await say(user('1'));
      await stage.clock.advance(3_600_000);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
      expect(host.health().problems).to.deep.equal([]);
    });

    it('goes back where nobody knows what was done, and its service drains', async () => {
      const host = await start(clinic({ deduplicate: true }));
      doors.set('1', deferred());
      await say(user('1'));
      stage.broker.deleteBucket(bucketOf(Clinic.address));
      const stopped = host.stop().then(() => trail.push('stopped'));
      await stage.settle();
      doors.get('1')?.resolve();
      await stage.clock.advance(1_000);
      expect(trail).to.deep.equal(['1 1', 'stopped']);
      await stopped;
    });

    it('is handled once where its mark finds no room, and kept until there is some', async () => {
      const store = { maxMarks: 1, keepMarksMs: 1_000_000 };
      const host = await start(clinic({ deduplicate: true }), { store });
      const bucket = stage.client.keyValue(bucketOf(Clinic.address));
      await bucket.put('1', new Uint8Array());
      await say(user('1'));
      await stage.clock.advance(600_000);
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      expect(host.health().problems.map(({ reason }) => reason)).to.include('TERABUS_STREAM_FULL');
      await stage.clock.advance(500_000);
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal(NOTHING);
      expect(host.health().ready).to.equal(true);
    });

    describe('by an inbox of the host', () => {
      let away: 'before' | 'behind' | undefined;
      const inbox = {
        once: async (_work: unknown, handle: () => Promise<unknown>) => {
          if (away === 'before') throw new Error('no database');
          await handle();
          if (away === 'behind') throw new Error('no commit');
          return true;
        },
      };

      it('waits while the inbox is away: no try is taken', async () => {
        const host = await start(clinic({ deduplicate: true }), { inbox });
        away = 'before';
        await say(user('1'));
        await stage.clock.advance(3_600_000);
        expect(trail).to.deep.equal([]);
        expect(
          host
            .health()
            .problems.map(({ message }) => message)
            .join(),
        ).to.include('no database');
        away = undefined;
        await stage.clock.advance(20_000);
        expect(trail).to.deep.equal(['1 1']);
        expect(await left()).to.deep.equal(NOTHING);
        expect(host.health().ready).to.equal(true);
      });

      it('has failed where the inbox refuses what its handler did', async () => {
        const host = await start(clinic({ deduplicate: true }), { inbox });
        away = 'behind';
        await say(user('1'));
        await stage.clock.advance(3_600_000);
        expect(trail[0]).to.equal('1 1');
        expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
        expect(host.health().ready).to.equal(true);
      });
    });

    it('asks the inbox that the host was given', async () => {
      const asked: string[] = [];
      const inbox = {
        once: async (
          { handler, messageId }: { handler: string; messageId: string },
          handle: () => Promise<unknown>,
        ) => {
          asked.push(`${handler} ${messageId}`);
          await handle();
          return true;
        },
      };
      await start(clinic({ deduplicate: true }), { inbox });
      await twice('1');
      expect(asked).to.deep.equal(
        Array(2).fill('service.Test.Clinic visits.* opentera.protobuf.UserEvent 01JGFJJZ000000000000000001/0'),
      );
    });
  });

  describe('with order per key', () => {
    const ordered = (options: object = {}) =>
      clinic({
        order: 'per-key',
        key: (message) => (message as UserEvent).userUuid.slice(0, 1),
        ...options,
      } as Parameters<typeof from>[1]);

    it('holds back its key while it is tried again, and no other', async () => {
      failing.set('a1', 2);
      await start(ordered());
      for (const id of ['a1', 'a2', 'b1', 'b2']) await say(user(id));
      expect(trail).to.deep.equal(['a1 1', 'b1 1', 'b2 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 2 });
      await stage.clock.advance(60_000);
      expect(trail.slice(3)).to.deep.equal(['a1 2', 'a1 3', 'a2 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('lets the next of its key go on when it is dead-lettered, not before', async () => {
      failing.set('a1', 9);
      await start(ordered());
      update(DEAD, { maxBytes: 1 });
      await say(user('a1'));
      await say(user('a2'));
      await stage.clock.advance(600_000);
      expect(trail).to.deep.equal(['a1 1', 'a1 2', 'a1 3', 'a1 4', 'a1 5']);
      update(DEAD, { maxBytes: -1 });
      await stage.clock.advance(20_000);
      expect(trail.slice(5)).to.deep.equal(['a2 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
    });

    it('keeps slot and key of a handler that ran out of time until it has ended', async () => {
      doors.set('a1', deferred());
      await start(ordered({ timeoutMs: 1_000 }));
      await say(user('a1'));
      await say(user('a2'));
      await stage.clock.advance(20_000);
      expect(trail).to.deep.equal(['a1 1']);
      doors.get('a1')?.resolve();
      await stage.clock.advance(20_000);
      expect(trail).to.deep.equal(['a1 1', 'a1 2', 'a2 1']);
    });

    it('is kept over a lost link: what was on its way comes again behind what is newer', async () => {
      await start(ordered({ ackWaitMs: 1_000 }), { transport: stage.broker.connect({ name: 'reader' }) });
      stage.broker.interrupt({ connection: 'reader' });
      // As if it had been handed out and the link had swallowed it.
      const lost = stage.broker.connect({ name: 'lost' });
      const place = { stream: 'visits.{ward}', consumer: consumerOf(Clinic.address, 'visits.*') };
      await lost.streams.consume({ ...place, maxUnsettled: 1, maxUnsettledBytes: 1e6 }, () => undefined);
      await say(user('a1'));
      stage.broker.interrupt({ connection: 'lost' });
      await say(user('a2'));
      await stage.clock.advance(100);
      expect(await left()).to.deep.include({ unsettled: 1, pending: 1 });
      stage.broker.restore({ connection: 'reader' });
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['a1 1', 'a2 1']);
    });

    it('is kept over a link that was lost for so long that what is handled comes again too', async () => {
      doors.set('a1', deferred());
      await start(ordered({ ackWaitMs: 1_000 }), { transport: stage.broker.connect({ name: 'reader' }) });
      await say(user('a1'));
      await say(user('a2'));
      stage.broker.interrupt({ connection: 'reader' });
      await stage.clock.advance(900);
      const lost = stage.broker.connect({ name: 'lost' });
      const place = { stream: 'visits.{ward}', consumer: consumerOf(Clinic.address, 'visits.*') };
      await lost.streams.consume({ ...place, maxUnsettled: 1, maxUnsettledBytes: 1e6 }, () => undefined);
      await say(user('a3'));
      stage.broker.interrupt({ connection: 'lost' });
      await say(user('a4'));
      await stage.clock.advance(400);
      stage.broker.restore({ connection: 'reader' });
      doors.get('a1')?.resolve();
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['a1 1', 'a2 1', 'a3 1', 'a4 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('is handed out again where its handler fails while its service drains', async () => {
      doors.set('a1', deferred());
      failing.set('a1', 9);
      const host = await start(ordered());
      await say(user('a1'));
      const before = stage.clock.elapsed();
      const stopping = host.stop();
      await stage.settle();
      doors.get('a1')?.resolve();
      await stage.clock.advance(100);
      await stopping;
      expect(stage.clock.elapsed() - before).to.be.lessThan(200);
      expect(trail).to.deep.equal(['a1 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
    });

    it('gives back what waits behind one that waits, when its service drains', async () => {
      doors.set('a1', deferred());
      const host = await start(ordered({ concurrency: 1 }));
      for (const id of ['a1', 'b1', 'b2']) await say(user(id));
      const stopping = host.stop();
      await stage.settle();
      doors.get('a1')?.resolve();
      await stage.clock.advance(100);
      await stopping;
      expect(stage.clock.elapsed()).to.be.lessThan(5_000);
      expect(host.counters.givenBack).to.equal(2);
    });

    it('begins with what the one before had taken, although it comes later', async () => {
      const service = ordered({ ackWaitMs: 1_000 });
      doors.set('a1', deferred());
      await start(service, { transport: stage.broker.connect({ name: 'dies' }) });
      await say(user('a1'));
      await say(user('a2'));
      // As a process that ends: nothing is handed back.
      stage.broker.interrupt({ connection: 'dies' });
      await say(user('a3'));
      await say(user('b1'));
      doors.clear();
      await start(service);
      await stage.clock.advance(10_000);
      expect(trail.slice(1).filter((line) => line.startsWith('a'))).to.deep.equal(['a1 1', 'a2 1', 'a3 1']);
    });
  });

  describe('and ends its process', () => {
    const consumer = consumerOf(Clinic.address, 'visits.*');
    /** When virtual time begins. */
    const STORED_AT = Date.UTC(2025, 0);
    /** As often as a process ends that has taken what is there. */
    const crash = async (times: number) => {
      for (let n = 0; n < times; n++) {
        const transport = stage.broker.connect({ name: 'crash' });
        await transport.streams.consume(
          { stream: 'visits.{ward}', consumer, maxUnsettled: 100, maxUnsettledBytes: 1e6 },
          () => undefined,
        );
        await stage.settle();
        stage.broker.interrupt({ connection: 'crash' });
        await transport.close();
        await stage.clock.advance(10_100);
      }
    };

    it('runs alone when it is a suspect, and is done', async () => {
      const service = clinic({ concurrency: 10 });
      stage.broker.provision(planStreams([service]));
      for (const id of ['1', '2', '3']) await say(user(id));
      await crash(3);
      doors.set('2', deferred());
      const host = await start(service);
      await say(user('4'));
      await stage.clock.advance(100);
      expect(trail).to.deep.equal(['1 1', '2 1']);
      const keys = await stage.client.keyValue(bucketOf(Clinic.address)).keys();
      expect(keys).to.deep.equal([`suspect.${consumer} visits.%7Bward%7D/2/-@${STORED_AT}`]);
      doors.get('2')?.resolve();
      await stage.clock.advance(100);
      expect([...trail].sort()).to.deep.equal(['1 1', '2 1', '3 1', '4 1']);
      expect(await stage.client.keyValue(bucketOf(Clinic.address)).keys()).to.deep.equal([]);
      expect(await left()).to.deep.equal(NOTHING);
      expect(host.counters.deadLettered).to.equal(0);
    });

    it('has those behind it wait where order counts', async () => {
      const service = clinic({
        order: 'per-key',
        key: (message) => (message as UserEvent).userUuid.slice(0, 1),
      } as Parameters<typeof from>[1]);
      stage.broker.provision(planStreams([service]));
      for (const id of ['a1', 'a2']) await say(user(id));
      await crash(3);
      for (const id of ['a3', 'b1']) await say(user(id));
      await start(service);
      await stage.clock.advance(1_000);
      expect(trail).to.deep.equal(['a1 1', 'a2 1', 'a3 1', 'b1 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('does not overtake one of its key that failed, and lets other keys go on', async () => {
      const service = clinic({
        order: 'per-key',
        key: (message) => (message as UserEvent).userUuid.slice(0, 1),
      } as Parameters<typeof from>[1]);
      stage.broker.provision(planStreams([service]));
      for (const id of ['a1', 'a2', 'b1']) await say(user(id));
      await crash(3);
      failing.set('a1', 1);
      await start(service);
      await say(user('a3'));
      expect(trail).to.deep.equal(['a1 1', 'b1 1']);
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['a1 1', 'b1 1', 'a1 2', 'a2 1', 'a3 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('keeps the order of a key within its envelope', async () => {
      const service = clinic({
        order: 'per-key',
        key: (message) => (message as UserEvent).userUuid.slice(0, 1),
        concurrency: 2,
      } as Parameters<typeof from>[1]);
      stage.broker.provision(planStreams([service]));
      await say(user('a1'), user('a2'), user('b1'));
      await crash(3);
      failing.set('a1', 1);
      await start(service);
      await say(user('c1'));
      expect(trail).to.deep.equal(['a1 1', 'b1 1', 'c1 1']);
      await stage.clock.advance(10_000);
      expect(trail).to.deep.equal(['a1 1', 'b1 1', 'c1 1', 'a1 2', 'a2 1']);
      expect(await left()).to.deep.equal(NOTHING);
    });

    it('goes back when its service drains before its turn', async () => {
      const service = clinic();
      stage.broker.provision(planStreams([service]));
      for (const id of ['1', '2']) await say(user(id));
      await crash(3);
      doors.set('1', deferred());
      const host = await start(service);
      await stage.clock.advance(100);
      const stopping = host.stop();
      await stage.settle();
      doors.get('1')?.resolve();
      await stage.settle();
      expect(await stopping).to.deep.include({ running: 0, waiting: 0 });
      expect(trail).to.deep.equal(['1 1']);
      expect(await left()).to.deep.equal({ ...NOTHING, unsettled: 1 });
      expect(await stage.client.keyValue(bucketOf(Clinic.address)).keys()).to.deep.equal([]);
    });

    it('is dead-lettered when it was found three times to have done so alone', async () => {
      const service = clinic();
      stage.broker.provision(planStreams([service]));
      for (const id of ['1', '2']) await say(user(id));
      await crash(3);
      await stage.client
        .keyValue(bucketOf(Clinic.address))
        .put(`suspect.${consumer} visits.%7Bward%7D/1/-@${STORED_AT}`, new TextEncoder().encode('3'));
      await start(service);
      await stage.clock.advance(100);
      expect(trail).to.deep.equal(['2 1']);
      const letter = await stage.client.streams.read(DEAD, { fromSequence: 1 });
      expect(letter?.headers.get('Terabus-Dead-Reason')).to.equal('TERABUS_PROCESS_ENDED');
      expect(await left()).to.deep.equal({ ...NOTHING, dead: 1 });
    });
  });
});
