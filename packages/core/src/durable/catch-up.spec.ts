import { type Message, type MessageType, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { defineService, defineTopic, from, OnEvent, planStreams, Service, TeraService } from '../index.js';
import { type Deferred, deferred } from '../service/deferred.js';
import { rejection, Stage } from '../service/stage.spec.js';

const Clinic = defineService('Test.Clinic', {});
const visits = defineTopic('visits', { wrapper: 'event', types: [UserEvent], durable: true });
const past = from(visits, { start: 'all' });
const user = (userUuid: string) => [UserEvent, UserEvent.create({ userUuid })] as [MessageType, Message];

describe('catchUp', () => {
  let stage: Stage;
  let trail: string[];
  let door: Deferred<void>;
  let later: Deferred<void>;
  beforeEach(() => {
    stage = new Stage();
    trail = [];
    door = deferred();
    later = deferred();
  });
  afterEach(() => {
    door.resolve();
    later.resolve();
    return stage.end();
  });

  @Service(Clinic, { uses: [visits] })
  class ClinicService extends TeraService {
    @OnEvent(past, UserEvent)
    async onUser({ userUuid }: UserEvent) {
      if (userUuid === 'waits') await door.promise;
      if (userUuid === 'waits longer') await later.promise;
      trail.push(userUuid);
    }
    override onReady() {
      void this.catchUp(visits).then(
        () => trail.push('caught up'),
        ({ reason }) => trail.push(reason),
      );
    }
    reach(topic: typeof visits) {
      return this.catchUp(topic);
    }
  }

  it('tells when what was stored has been handled, and does not wait for what comes meanwhile', async () => {
    stage.broker.provision(planStreams([ClinicService]));
    for (const id of ['1', '2', 'waits']) await stage.event('visits', [user(id)]);
    const host = await stage.start(ClinicService);
    await stage.settle();
    await stage.event('visits', [user('waits longer')]);
    await stage.event('visits', [user('5')]);
    expect(trail).to.deep.equal(['1', '2']);
    door.resolve();
    await stage.settle();
    expect(trail).to.deep.equal(['1', '2', 'waits', 'caught up']);
    later.resolve();
    await host.catchUp();
    expect(trail).to.have.lengthOf(6);
  });

  it('resolves at once where there is no past', async () => {
    stage.broker.provision(planStreams([ClinicService]));
    await stage.start(ClinicService);
    await stage.settle();
    expect(trail).to.deep.equal(['caught up']);
  });

  it('is refused in onStart, behind which reading begins: of all, and of one source', async () => {
    @Service(Clinic, { uses: [visits] })
    class EarlyService extends TeraService {
      @OnEvent(past, UserEvent)
      onUser() {}
      override async onStart() {
        for (const source of [undefined, visits]) {
          const error = await rejection(this.catchUp(source));
          expect(error.message).to.contain('EarlyService reads nothing before its onStart has ended');
          trail.push(error.reason ?? '');
        }
      }
    }
    stage.broker.provision(planStreams([EarlyService]));
    await stage.event('visits', [user('1')]);
    await stage.start(EarlyService);
    expect(trail).to.deep.equal(['TERABUS_NOT_STARTED', 'TERABUS_NOT_STARTED']);
  });

  it('has nothing to wait for where nothing is read from a stream, in onStart too', async () => {
    @Service(Clinic)
    class NoReaderService extends TeraService {
      override onStart() {
        return this.catchUp();
      }
    }
    await stage.start(NoReaderService);
  });

  it('does not outlive its service, and waits for nothing that it does not read', async () => {
    stage.broker.provision(planStreams([ClinicService]));
    await stage.event('visits', [user('waits')]);
    const host = await stage.start(ClinicService);
    await stage.settle();
    const other = defineTopic('other', { wrapper: 'event', types: [UserEvent], durable: true });
    const error = await rejection(host.service(ClinicService).reach(other as unknown as typeof visits));
    expect(error.reason).to.equal('TERABUS_SERVICE_INVALID');
    const stopping = host.stop();
    await stage.settle();
    expect(trail).to.deep.equal(['TERABUS_DRAINING']);
    door.resolve();
    await stage.settle();
    await stopping;
  });
});
