import { from, OnEvent, OnPayload, Service, TeraService } from '@terabus/core';
import { DeviceEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Archive, device, news, notes, Office, officeService, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

export function order({ host, speaker, gate }: ServiceSuite): void {
  /** A service on {@link news} whose methods wait at the gate of their message's id, if it has one. */
  async function worker(options: Parameters<typeof from<'event', UserEvent | DeviceEvent, string>>[1], ids: string[]) {
    const log = new Log();
    const gates = new Map(ids.map((id) => [id, gate()]));
    const work = async (id: string) => {
      log.add(`begin ${id}`);
      await gates.get(id)?.opened;
      log.add(`end ${id}`);
    };
    const source = from(news.all, options as object);
    @Service(Archive)
    class Worker extends TeraService {
      @OnEvent(source, UserEvent)
      onUser({ userUuid }: UserEvent) {
        return work(userUuid);
      }
      @OnEvent(source, DeviceEvent)
      onDevice({ deviceUuid }: DeviceEvent) {
        return work(deviceUuid);
      }
    }
    const running = await host([Worker]);
    const bus = await speaker();
    const topic = news({ desk: 'a' });
    const say = async (...texts: string[]) => {
      for (const text of texts) await bus.publish(topic, text.startsWith('d') ? device(text) : user(text));
    };
    return { log, say, open: (id: string) => gates.get(id)?.open(), ...running };
  }

  describe('order', () => {
    it('is that of arrival, one at a time, over all methods and types of a group', async () => {
      const { log, say, open, host: running } = await worker({}, ['u1', 'd2']);
      await say('u1', 'd2', 'u3');
      await log.first(1);
      open('d2');
      open('u1');
      await log.first(6);
      await running.stop();
      expect(log.entries).to.deep.equal(['begin u1', 'end u1', 'begin d2', 'end d2', 'begin u3', 'end u3']);
    });

    it('is kept for each key across methods, while other keys pass', async () => {
      const key = (message: UserEvent | DeviceEvent) =>
        ('userUuid' in message ? message.userUuid : message.deviceUuid).slice(1, 2);
      const { log, say, open } = await worker({ key }, ['uA1', 'dB1']);
      await say('uA1', 'dA2', 'dB1', 'uB2', 'uC1');
      await log.until((entry) => entry === 'end uC1');
      expect(log.entries).to.deep.equal(['begin uA1', 'begin dB1', 'begin uC1', 'end uC1']);
      open('dB1');
      await log.until((entry) => entry === 'end uB2');
      open('uA1');
      await log.until((entry) => entry === 'end dA2');
      expect(log.entries.slice(4)).to.deep.equal([
        'end dB1',
        'begin uB2',
        'end uB2',
        'end uA1',
        'begin dA2',
        'end dA2',
      ]);
    });

    it('is given up for concurrency, which is bounded', async () => {
      const { log, say, open } = await worker({ concurrency: 2 }, ['u1', 'u2', 'u3']);
      await say('u1', 'u2', 'u3', 'u4');
      await log.first(2);
      open('u2');
      await log.until((entry) => entry === 'begin u3');
      expect(log.entries).to.deep.equal(['begin u1', 'begin u2', 'end u2', 'begin u3']);
      open('u3');
      await log.until((entry) => entry === 'end u4');
      expect(log.entries).to.not.include('end u1');
    });

    it('holds within a topic, not between two: a busy group holds up no other', async () => {
      const log = new Log();
      const busy = gate();
      @Service(Archive)
      class Two extends TeraService {
        @OnEvent(news.all, UserEvent)
        async onUser() {
          log.add('begin');
          await busy.opened;
          log.add('end');
        }
        @OnPayload(notes)
        onNote(text: string) {
          log.add(text);
        }
      }
      await host([Two]);
      const bus = await speaker();
      await bus.publish(news({ desk: 'a' }), user('1'));
      await log.first(1);
      await bus.publish(notes, 'passes');
      await log.first(2);
      busy.open();
      expect(await log.first(3)).to.deep.equal(['begin', 'passes', 'end']);
    });

    it('is no matter of calls, which run side by side up to their limit', async () => {
      const log = new Log();
      const first = gate();
      const work = async (what: string) => {
        log.add(`begin ${what}`);
        if (what === 'slow') await first.opened;
        log.add(`end ${what}`);
        return what;
      };
      await host([officeService({ work }, { rpc: { concurrency: 2 } })]);
      const { work: call } = (await speaker()).client(Office);
      const slow = call('slow');
      await log.first(1);
      expect(await Promise.all([call('a'), call('b')])).to.deep.equal(['a', 'b']);
      expect(log.entries).to.deep.equal(['begin slow', 'begin a', 'end a', 'begin b', 'end b']);
      first.open();
      expect(await slow).to.equal('slow');
    });
  });
}
