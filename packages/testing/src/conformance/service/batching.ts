import { defineService, defineTopic, type EventContext, OnEvent, Service, TeraService } from '@terabus/core';
import { BusError, type DeviceEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { Archive, news, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const visits = defineTopic('conformance.batched', { wrapper: 'event', types: [UserEvent], durable: true });
const Herald = defineService('Conformance.Herald', {});
const Guestbook = defineService('Conformance.Guestbook', {});

@Service(Herald, { uses: [news] })
class HeraldService extends TeraService {
  readonly desk = this.batching(news({ desk: 'a' }), { confirm: true });
  readonly patient = this.batching(news({ desk: 'a' }), { lingerMs: 60_000 });
}

const names = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

export function batching({ host, connect, provision, given }: ServiceSuite): void {
  /** A service that reads what is batched, and one that batches. */
  async function reading() {
    const log = new Log();
    @Service(Archive)
    class Reader extends TeraService {
      @OnEvent(news.all, UserEvent)
      onUser({ userUuid }: UserEvent) {
        log.add(userUuid);
      }
    }
    await host([Reader]);
    const running = await host([HeraldService]);
    return { log, ...running, service: running.host.service(HeraldService) };
  }

  describe('a batching publisher', () => {
    it('shares envelopes, whose messages arrive in order', async () => {
      const { log, service, events } = await reading();
      const all = names(1_000);
      await Promise.all(all.map((name) => service.desk.publish(user(name))));
      expect(await log.first(1_000)).to.deep.equal(all);
      const published = events.entries.flatMap((event) => (event.kind === 'published' ? [event.messages.length] : []));
      expect(published).to.deep.equal([...new Array(62).fill(16), 8]);
    });

    it('sends what waits before its host has stopped', async () => {
      const { log, service, host: running } = await reading();
      const published = ['1', '2', '3'].map((name) => service.patient.publish(user(name)));
      await running.stop();
      await Promise.all(published);
      expect(await log.first(3)).to.deep.equal(['1', '2', '3']);
      expect(await failure(service.patient.publish(user('4')))).to.be.busError('TERABUS_DRAINING');
    });

    it('rejects what can’t be sent alone, with its number', async () => {
      const { log, service } = await reading();
      const tooLarge = user('x'.repeat((await connect()).maxPayloadBytes));
      const wrong = { $type: 'opentera.protobuf.LogEvent' } as unknown as DeviceEvent;
      const messages = [user('1'), tooLarge, user('3'), wrong, user('5')];
      const outcomes = await Promise.allSettled(messages.map((message) => service.desk.publish(message)));
      const errors = outcomes.flatMap((outcome) =>
        outcome.status === 'rejected' ? [BusError.from(outcome.reason)] : [],
      );
      expect(errors.map(({ reason, details }) => `${reason} ${details?.['message']}`)).to.deep.equal([
        'TERABUS_PAYLOAD_TOO_LARGE 2',
        'TERABUS_TYPE_NOT_CARRIED 4',
      ]);
      expect(await log.first(3)).to.deep.equal(['1', '3', '5']);
    });

    given('streams')('stores an envelope at one place, and its messages are handled one by one', async () => {
      const log = new Log();
      @Service(Guestbook, { uses: [visits] })
      class GuestbookService extends TeraService {
        readonly batch = this.batching(visits);
        @OnEvent(visits, UserEvent)
        onUser({ userUuid }: UserEvent, { durable }: EventContext) {
          log.add(`${durable?.sequence} ${userUuid}`);
        }
      }
      await provision([GuestbookService]);
      const { host: running } = await host([GuestbookService]);
      const { batch } = running.service(GuestbookService);
      const places = await Promise.all(names(20).map((name) => batch.publish(user(name))));
      const expected = names(20).map((_, n) => (n < 16 ? 1 : 2));
      expect(places.map(({ sequence }) => sequence)).to.deep.equal(expected);
      expect(await log.first(20)).to.deep.equal(names(20).map((name, n) => `${expected[n]} ${name}`));
    });
  });
}
