import { DeviceEvent, type Message, type MessageType, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Host, HostOptions, ServiceClass } from '../index.js';
import { defineService, defineTopic, OnEvent, planStreams, Service, TeraService } from '../index.js';
import { Stage } from '../service/stage.spec.js';
import { deadLettersOf, retriesOf } from './names.js';

const Clinic = defineService('Test.Clinic', {});
const visits = defineTopic('visits.{ward}', { wrapper: 'event', types: [UserEvent, DeviceEvent], durable: true });
const user = (userUuid: string) => [UserEvent, UserEvent.create({ userUuid })] as [MessageType, Message];
const device = (deviceUuid: string) => [DeviceEvent, DeviceEvent.create({ deviceUuid })] as [MessageType, Message];

describe('what is stored', () => {
  let stage: Stage;
  let trail: string[];
  /** By user, how often its handler is to fail. */
  let failing: Map<string, number>;
  beforeEach(() => {
    stage = new Stage();
    trail = [];
    failing = new Map();
  });
  afterEach(() => stage.end());

  @Service(Clinic, { uses: [visits] })
  class ClinicService extends TeraService {
    @OnEvent(visits.all, UserEvent)
    onUser({ userUuid }: UserEvent, context: { durable: { attempt: number } | undefined }) {
      trail.push(`${userUuid} ${context.durable?.attempt}`);
      const left = failing.get(userUuid) ?? 0;
      failing.set(userUuid, left - 1);
      if (left > 0) throw new Error(`not ${userUuid}`);
    }
  }

  const start = async (service: ServiceClass = ClinicService, options: Partial<HostOptions> = {}): Promise<Host> => {
    stage.broker.provision(planStreams([service]));
    return stage.start(service, options);
  };
  const say = (...messages: (readonly [MessageType, Message])[]) => stage.event('visits.a', messages);
  const left = async () => ({
    unsettled: (await stage.client.streams.consumerState('visits.{ward}', 'service.Test.Clinic visits.*')).unsettled,
    retries: (await stage.client.streams.streamState(retriesOf(Clinic.address))).messages,
    dead: (await stage.client.streams.streamState(deadLettersOf(Clinic.address))).messages,
  });

  it('is handled in order and acknowledged', async () => {
    const host = await start();
    await say(user('1'));
    await say(user('2'));
    await stage.settle();
    expect(trail).to.deep.equal(['1 1', '2 1']);
    expect(await left()).to.deep.equal({ unsettled: 0, retries: 0, dead: 0 });
    expect(host.health().ready).to.equal(true);
  });

  it('is tried again with growing delay', async () => {
    failing.set('1', 3);
    await start();
    await say(user('1'));
    await say(user('2'));
    expect(trail).to.deep.equal(['1 1', '2 1']);
    expect(await left()).to.deep.equal({ unsettled: 0, retries: 1, dead: 0 });
    await stage.clock.advance(700);
    expect(trail.length).to.equal(2);
    await stage.clock.advance(300);
    expect(trail.slice(2)).to.deep.equal(['1 2']);
    await stage.clock.advance(6_000);
    expect(trail.slice(3)).to.deep.equal(['1 3', '1 4']);
    expect(await left()).to.deep.equal({ unsettled: 0, retries: 0, dead: 0 });
    expect(stage.eventsOf('retried').map(({ tries }) => tries)).to.deep.equal([1, 2, 3]);
  });

  it('is dead-lettered after as many tries as the contract says, and no more', async () => {
    failing.set('1', 9);
    const host = await start();
    await say(user('1'));
    await stage.clock.advance(600_000);
    expect(trail).to.deep.equal(['1 1', '1 2', '1 3', '1 4', '1 5']);
    expect(await left()).to.deep.equal({ unsettled: 0, retries: 0, dead: 1 });
    expect(host.counters).to.include({ retried: 4, deadLettered: 1, failed: 5 });
    const letter = await stage.client.streams.read(deadLettersOf(Clinic.address), { fromSequence: 1 });
    expect(Object.fromEntries(letter?.headers ?? [])).to.deep.include({
      'Terabus-Dead-Reason': 'TERABUS_HANDLER_FAILED',
      'Terabus-Dead-Handler': 'ClinicService.onUser',
      'Terabus-Dead-Topic': 'visits.a',
      'Terabus-Dead-Tries': '5',
      'Terabus-Dead-Stream': 'visits.%7Bward%7D',
      'Terabus-Dead-Sequence': '1',
    });
  });

  it('never meets its siblings in one envelope again', async () => {
    failing.set('2', 1);
    await start();
    await say(user('1'), user('2'), device('d'), user('3'));
    await stage.clock.advance(10_000);
    expect(trail).to.deep.equal(['1 1', '2 1', '3 1', '2 2']);
    expect(await left()).to.deep.equal({ unsettled: 0, retries: 0, dead: 0 });
  });
});
