import { type BusEvent, from, OnMessage, Service, TeraService, type TrackedContext } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { Desk, Office, officeService, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const SENT = 50;

export function overload({ host, speaker, gate, given }: ServiceSuite): void {
  describe('more than may wait', () => {
    given('headers')('is dropped and counted, and the messages that are taken show gaps of just that', async () => {
      const gaps = new Log<number>();
      const door = gate();
      @Service(Desk)
      class Busy extends TeraService {
        @OnMessage(from(Desk.messages, { maxQueued: 5 }), UserEvent)
        async onUser(_: UserEvent, { verdict }: TrackedContext) {
          gaps.add(verdict.missing);
          await door.opened;
        }
      }
      const { host: running, events } = await host([Busy]);
      const bus = await speaker();
      for (let n = 1; n <= SENT; n += 1) await bus.send(Desk.messages, user(`${n}`));
      const came = ({ kind }: BusEvent) => kind === 'accepted' || kind === 'dropped';
      await events.until(() => events.entries.filter(came).length === SENT);
      door.open();
      const taken = SENT - running.counters.dropped;
      expect(taken).to.be.within(5, 6);
      await gaps.first(taken);
      await bus.send(Desk.messages, user('after'));
      // A slot may come free in the middle of the flood, and a heartbeat may come before the next message: the loss is in
      // all that is told together.
      const shown = (await gaps.first(taken + 1)).reduce((sum, missing) => sum + missing);
      const told = events.entries
        .flatMap((event) => (event.kind === 'sequence' && event.verdict.kind === 'gap' ? event.verdict.missing : []))
        .reduce((sum, missing) => sum + missing, 0);
      expect(told).to.equal(SENT - taken);
      expect(shown).to.be.at.most(told);
      expect(running.counters).to.include({ dropped: SENT - taken, missing: SENT - taken, badMessages: 0 });
    });

    it('of calls is refused at once, and those that wait are answered', async () => {
      const log = new Log();
      const door = gate();
      const work = async (what: string) => {
        log.add(what);
        await door.opened;
        return what;
      };
      const { host: running, events } = await host([
        officeService({ work }, { rpc: { concurrency: 1, maxQueued: 1 } }),
      ]);
      const office = (await speaker()).client(Office);
      const first = office.work('first');
      await log.first(1);
      const second = office.work('second');
      await events.until(() => events.entries.filter(({ kind }) => kind === 'accepted').length === 2);
      const error = await failure(office.work('third'));
      expect(error).to.be.busError('TERABUS_OVERLOADED', Office.address);
      expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', retryable: true });
      door.open();
      expect(await Promise.all([first, second])).to.deep.equal(['first', 'second']);
      expect(log.entries).to.deep.equal(['first', 'second']);
      expect(running.counters).to.include({ refused: 1, dropped: 0 });
    });
  });
}
