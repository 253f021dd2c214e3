import { DeviceEvent, type Message, type MessageType, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { DurableContext, Host } from '../index.js';
import { defineService, defineTopic, OnEvent, openDeadLetters, planStreams, Service, TeraService } from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';
import { deadLettersOf } from './names.js';

const Clinic = defineService('Test.Clinic', {});
const Lab = defineService('Test.Lab', {});
const visits = defineTopic('visits.{ward}', {
  wrapper: 'event',
  types: [UserEvent, DeviceEvent],
  durable: { tries: 1 },
});
const user = (userUuid: string) => [UserEvent, UserEvent.create({ userUuid })] as [MessageType, Message];
const device = (deviceUuid: string) => [DeviceEvent, DeviceEvent.create({ deviceUuid })] as [MessageType, Message];

describe('dead letters', () => {
  let stage: Stage;
  let host: Host;
  let trail: string[];
  let failing: boolean;

  @Service(Clinic, { uses: [visits] })
  class ClinicService extends TeraService {
    @OnEvent(visits.all, UserEvent)
    onUser({ userUuid }: UserEvent, { durable }: DurableContext) {
      trail.push(`${userUuid}${durable.replayed ? ' replayed' : ''} ${durable.attempt}`);
      if (failing) throw new Error(`not\n ${userUuid}`);
    }
    @OnEvent(visits.all, DeviceEvent)
    onDevice() {
      if (failing) throw new TypeError('no device');
    }
  }
  @Service(Lab, { uses: [visits] })
  class LabService extends TeraService {
    @OnEvent(visits.all, UserEvent)
    onUser({ userUuid }: UserEvent) {
      trail.push(`lab ${userUuid}`);
    }
  }

  beforeEach(async () => {
    stage = new Stage();
    trail = [];
    failing = true;
    stage.broker.provision(planStreams([ClinicService, LabService]));
    host = await stage.start([ClinicService, LabService]);
    await stage.event('visits.a', [user('1'), device('2'), user('3')]);
    await stage.client.publish({ topic: 'visits.b', bytes: new Uint8Array([255]) });
    await stage.settle();
    failing = false;
    trail.length = 0;
  });
  afterEach(() => stage.end());

  const letters = () => host.deadLetters(ClinicService);
  const ids = async (options = {}) => (await letters().list(options)).letters.map(({ id }) => id);

  it('are listed by page, group, handler and reason', async () => {
    expect(await ids()).to.deep.equal([1, 2, 3, 4]);
    expect(await letters().list({ limit: 2, fromId: 2 })).to.deep.include({ nextId: 4 });
    expect(await ids({ handler: 'ClinicService.onUser' })).to.deep.equal([1, 3]);
    expect(await ids({ reason: 'TERABUS_MESSAGE_UNDECODABLE' })).to.deep.equal([4]);
    expect(await ids({ group: 'visits.b' })).to.deep.equal([]);
  });

  it('say all that is known of them, and what is in them', async () => {
    const { bytes, headers, lastFailed, firstFailed, ...letter } = await letters().show(3);
    expect(letter).to.deep.equal({
      id: 3,
      reason: 'TERABUS_HANDLER_FAILED',
      code: 'INTERNAL',
      text: "ClinicService.onUser of service.Test.Clinic failed on opentera.protobuf.UserEvent from 'visits.a': not  3",
      service: 'service.Test.Clinic',
      version: undefined,
      group: 'visits.*',
      handler: 'ClinicService.onUser',
      type: 'opentera.protobuf.UserEvent',
      topic: 'visits.a',
      stream: 'visits.{ward}',
      sequence: 1,
      isCut: false,
      index: 2,
      tries: 1,
      trace: undefined,
      json: {
        header: { version: 1, topic: 'visits.a', time: 1 },
        events: [
          { '@type': 'type.googleapis.com/opentera.protobuf.UserEvent', userUuid: '1' },
          { '@type': 'type.googleapis.com/opentera.protobuf.DeviceEvent', deviceUuid: '2' },
          { '@type': 'type.googleapis.com/opentera.protobuf.UserEvent', userUuid: '3' },
        ],
      },
    });
    expect((await letters().show(4)).json).to.equal(undefined);
    expect((await rejection(letters().show(9))).reason).to.equal('TERABUS_DEAD_LETTER_MISSING');
  });

  it('are replayed to the group that failed, alone', async () => {
    await letters().replay(3);
    await stage.settle();
    expect(trail).to.deep.equal(['3 replayed 1']);
    expect(await ids()).to.deep.equal([1, 2, 4]);
  });

  it('come back when they fail again', async () => {
    failing = true;
    await letters().replay(1);
    await letters().replay(4);
    await stage.settle();
    expect(await ids()).to.deep.equal([2, 3, 5, 6]);
    await letters().replay(5);
    await stage.settle();
    expect(await ids()).to.deep.equal([2, 3, 6, 7]);
    expect(trail).to.deep.equal(['1 replayed 1', '1 replayed 1']);
  });

  it('are replayed from a stream that was made anew, whose numbers begin again', async () => {
    await letters().replay(1);
    stage.broker.deleteStream(deadLettersOf(Clinic.address));
    stage.broker.provision(planStreams([ClinicService, LabService]));
    await stage.clock.advance(5_000);
    failing = true;
    await stage.event('visits.a', [user('5')]);
    await stage.settle();
    failing = false;
    trail.length = 0;
    await letters().replay(1);
    await stage.settle();
    expect(trail).to.deep.equal(['5 replayed 1']);
  });

  it('are replayed all together, or those that match', async () => {
    expect(await letters().replayAll({ handler: 'ClinicService.onUser' })).to.equal(2);
    await stage.settle();
    expect(trail).to.deep.equal(['1 replayed 1', '3 replayed 1']);
    expect(await letters().replayAll()).to.equal(2);
  });

  it('are thrown away when somebody says so', async () => {
    await letters().purge(2);
    expect(await ids()).to.deep.equal([1, 3, 4]);
    expect(await letters().purgeAll({ reason: 'TERABUS_HANDLER_FAILED' })).to.equal(2);
    expect(await ids()).to.deep.equal([4]);
  });

  it('are there for tools without a host', async () => {
    const tool = openDeadLetters({ transport: stage.client, contract: Clinic });
    expect((await tool.list()).letters).to.have.lengthOf(4);
    await tool.replay(1);
    await stage.settle();
    expect(trail).to.deep.equal(['1 replayed 1']);
  });
});
