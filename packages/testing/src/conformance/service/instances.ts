import { OnMessage, Service, TeraService, type TrackedContext } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe } from 'mocha';
import { Desk, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

export function instances({ host, speaker, given }: ServiceSuite): void {
  /** An instance of a module; the class is new each time, as in a process of its own. */
  function desk(log: Log) {
    const name = {};
    @Service(Desk)
    class DeskService extends TeraService {
      protected override onActive() {
        actives.push(name);
      }
      @OnMessage(Desk.messages, UserEvent)
      onUser({ userUuid }: UserEvent, { verdict }: TrackedContext) {
        log.add(`${userUuid}${actives.at(-1) === name ? '' : ' at a standby'}${verdict.kind === 'gap' ? ' gap' : ''}`);
      }
    }
    return DeskService;
  }
  let actives: object[] = [];

  describe('instances of a module', () => {
    given('groups')('take turns: of two one is active, and the other takes over when it stops', async () => {
      actives = [];
      const log = new Log();
      const hosts = [await host([desk(log)]), await host([desk(log)])];
      const bus = await speaker();
      const send = async (from: number, to: number) => {
        for (let n = from; n <= to; n++) await bus.send(Desk.messages, user(`${n}`));
        await log.first(to);
      };
      await send(1, 20);
      const roles = hosts.map(({ host: running }) => running.health().services[0]?.role);
      expect(roles.filter((role) => role === 'active')).to.have.length(1);
      const active = hosts[roles.indexOf('active')];
      const stopping = active?.host.stop();
      await send(21, 40);
      await stopping;
      await send(41, 60);
      const numbers = Array.from({ length: 60 }, (_, index) => `${index + 1}`);
      expect([...log.entries].sort((a, b) => Number(a) - Number(b))).to.deep.equal(numbers);
      expect(new Set(actives).size).to.equal(2);
    });
  });
}
