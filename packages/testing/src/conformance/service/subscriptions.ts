import { OnPayload, Service, type Subscription, TeraService } from '@terabus/core';
import { DeviceEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { Archive, device, news, notes, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

export function subscriptions({ host, speaker, gate }: ServiceSuite): void {
  async function listener() {
    const log = new Log();
    const door = gate();
    @Service(Archive, { uses: [news, notes] })
    class Listener extends TeraService {
      listenTo(desk: string): Promise<Subscription> {
        return this.subscribe(news({ desk }), UserEvent, async ({ userUuid }, { topic }) => {
          log.add(`begin ${userUuid} of ${topic.split('.').at(-1)}`);
          if (userUuid === 'slow') await door.opened;
          log.add(`end ${userUuid}`);
        });
      }
      listenToDevices(desk: string): Promise<Subscription> {
        return this.subscribe(news({ desk }), DeviceEvent, ({ deviceUuid }) => log.add(`device ${deviceUuid}`));
      }
      @OnPayload(notes)
      onNote(text: string) {
        log.add(text);
      }
    }
    const { host: running } = await host([Listener]);
    const bus = await speaker();
    const say = (id: string, desk = 'a') => bus.publish(news({ desk }), user(id));
    return { log, door, say, bus, running, service: running.service(Listener) };
  }

  describe('subscriptions of a running service', () => {
    it('get what is published from now on, beside the decorated handlers', async () => {
      const { log, say, service, bus } = await listener();
      await say('before');
      await bus.transport.flush();
      await service.listenTo('a');
      await say('1');
      await say('elsewhere', 'b');
      await bus.publish(notes, 'note');
      await log.until((entry) => entry === 'end 1');
      await log.until((entry) => entry === 'note');
      expect(log.entries).to.have.members(['begin 1 of a', 'end 1', 'note']);
    });

    it('that are stopped finish what they took, and take nothing more', async () => {
      const { log, door, say, service, running, bus } = await listener();
      const subscription = await service.listenTo('a');
      await say('slow');
      await say('taken');
      await bus.transport.flush();
      await log.first(1);
      const stopped = subscription.stop();
      expect(subscription.stop()).to.equal(stopped);
      door.open();
      await stopped;
      await say('late');
      await bus.transport.flush();
      await running.stop();
      expect(log.entries).to.deep.equal(['begin slow of a', 'end slow', 'begin taken of a', 'end taken']);
    });

    it('can be made again when they were stopped', async () => {
      const { log, say, service } = await listener();
      await (await service.listenTo('a')).stop();
      await service.listenTo('a');
      await say('1');
      expect(await log.first(2)).to.deep.equal(['begin 1 of a', 'end 1']);
    });

    it('share one topic by their types, and go one by one', async () => {
      const { log, say, bus, service } = await listener();
      const users = await service.listenTo('a');
      await service.listenToDevices('a');
      expect(await failure(service.listenTo('a'))).to.be.busError('TERABUS_SERVICE_INVALID', 'both handle');
      await say('1');
      await bus.publish(news({ desk: 'a' }), device('2'));
      expect(await log.first(3)).to.deep.equal(['begin 1 of a', 'end 1', 'device 2']);
      await users.stop();
      await say('3');
      await bus.publish(news({ desk: 'a' }), device('4'));
      await log.until((entry) => entry === 'device 4');
      expect(log.entries.slice(3)).to.deep.equal(['device 4']);
    });

    it('are refused when the service is on its way out', async () => {
      const { service, running } = await listener();
      await running.stop();
      expect(await failure(service.listenTo('a'))).to.be.busError('TERABUS_DRAINING');
    });
  });
}
