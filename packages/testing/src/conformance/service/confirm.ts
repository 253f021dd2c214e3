import { type EventContext, OnEvent, OnMessage, OnPayload, Service, TeraService } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Clerk, Desk, news, notes, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

export function confirm({ host, speaker }: ServiceSuite): void {
  describe('what is to be confirmed', () => {
    it('arrives: events, several at once, messages, and from a context', async () => {
      const log = new Log();
      const confirmed = { confirm: true };
      @Service(Desk)
      class DeskService extends TeraService {
        @OnMessage(Desk.messages, UserEvent)
        onUser({ userUuid }: UserEvent) {
          log.add(userUuid);
        }
      }
      @Service(Clerk, { uses: [notes, Desk] })
      class ClerkService extends TeraService {
        @OnEvent(news.all, UserEvent)
        async onUser(event: UserEvent, context: EventContext) {
          await context.send(Desk.messages, event, confirmed);
          await context.publish(notes, `${event.userUuid} sent`, confirmed);
        }
        @OnPayload(notes)
        onNote(note: string) {
          log.add(note);
        }
      }
      const running = await host([DeskService, ClerkService]);
      const bus = await speaker();
      await bus.publish(news({ desk: 'a' }), user('1'), confirmed);
      await log.first(2);
      await bus.publishAll(news({ desk: 'a' }), [user('2')], confirmed);
      await log.first(4);
      await bus.send(Desk.messages, user('3'), confirmed);
      expect(await log.first(5)).to.deep.equal(['1', '1 sent', '2', '2 sent', '3']);
      expect(running.host.counters).to.include({ published: 4, unconfirmed: 0 });
    });
  });
}
