import { OnEvent, OnPayload, Service, TeraService } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { failure, text } from '../messages.js';
import { Archive, news, notes, Office, officeService, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

export function drain({ host, speaker, connect, gate, pass, given }: ServiceSuite): void {
  /** A service that hands on what it reads, each time waiting at a gate. */
  async function relay(options = {}) {
    const log = new Log();
    const door = gate();
    @Service(Archive, { uses: [notes] })
    class Relay extends TeraService {
      @OnEvent(news.all, UserEvent)
      async onUser({ userUuid }: UserEvent) {
        log.add(`begin ${userUuid}`);
        await door.opened;
        await this.publish(notes, userUuid);
        log.add(`end ${userUuid}`);
      }
      protected override async onStop() {
        await this.publish(notes, 'last words');
      }
    }
    const watched = await host([Relay], options);
    const bus = await speaker();
    const say = (id: string) => bus.publish(news({ desk: 'a' }), user(id));
    return { log, door, say, bus, ...watched };
  }

  describe('the drain of a host', () => {
    it('lets what arrived be handled, and what the handlers publish goes out', async () => {
      const { log, door, say, bus, host: running } = await relay();
      const heard = await listen(await connect(), notes.name);
      for (const id of ['1', '2', '3']) await say(id);
      await bus.transport.flush();
      await log.first(1);
      const stopped = running.stop();
      expect(running.state).to.equal('draining');
      door.open();
      expect(await stopped).to.deep.equal({ running: 0, waiting: 0, error: undefined });
      expect(running.state).to.equal('stopped');
      expect((await heard.first(4)).map(text)).to.deep.equal(['1', '2', '3', 'last words']);
    });

    it('takes nothing new in, while what runs goes on', async () => {
      const { log, door, say, bus, host: running, beginToStop } = await relay();
      await say('1');
      await log.first(1);
      await beginToStop();
      await say('late');
      await bus.transport.flush();
      door.open();
      await running.stop();
      expect(log.entries).to.deep.equal(['begin 1', 'end 1']);
    });

    it('gives up when its time is over, and says on what', async () => {
      const { log, say, bus, host: running, events } = await relay({ drainTimeoutMs: 40 });
      for (const id of ['1', '2', '3']) await say(id);
      await bus.transport.flush();
      await log.first(1);
      const stopped = running.stop();
      await pass(40);
      expect(await stopped).to.deep.equal({ running: 1, waiting: 2, error: undefined });
      expect(await events.until(({ kind }) => kind === 'cut-off')).to.include({ running: 1, waiting: 2 });
      expect(log.entries).to.deep.equal(['begin 1']);
    });

    given('noResponders')('answers the calls that it took, and others learn at once that nobody is there', async () => {
      const log = new Log();
      const door = gate();
      const work = async (what: string) => {
        log.add(what);
        await door.opened;
        return what.toUpperCase();
      };
      const { host: running, beginToStop } = await host([officeService({ work }, { rpc: { concurrency: 1 } })]);
      const { client, transport } = await speaker();
      const taken = ['a', 'b'].map((what) => client(Office).work(what));
      await transport.flush();
      await log.first(1);
      await beginToStop();
      expect(await failure(client(Office).work('late'))).to.include({
        code: 'UNAVAILABLE',
        reason: 'TERABUS_NO_RESPONDERS',
      });
      door.open();
      expect(await Promise.all(taken)).to.deep.equal(['A', 'B']);
      await running.stop();
    });

    it('answers the calls that it gives up on', async () => {
      const log = new Log();
      const door = gate();
      const work = async (what: string) => {
        log.add(what);
        await door.opened;
        return what;
      };
      const watched = await host([officeService({ work }, { rpc: { concurrency: 1 } })], { drainTimeoutMs: 40 });
      const { client, transport } = await speaker();
      const taken = ['running', 'waiting'].map((what) => failure(client(Office).work(what)));
      await transport.flush();
      await log.first(1);
      const stopped = watched.host.stop();
      await pass(40);
      for (const error of await Promise.all(taken)) expect(error).to.be.busError('TERABUS_DRAINING');
      expect(await stopped).to.include({ running: 1, waiting: 1 });
    });

    it('of one host leaves the others alone', async () => {
      const kept = new Log();
      @Service(Archive)
      class Keeper extends TeraService {
        @OnPayload(notes)
        onNote(note: string) {
          kept.add(note);
        }
      }
      const [leaver] = [await host([officeService()]), await host([Keeper])];
      await leaver.host.stop();
      await (await speaker()).publish(notes, 'still here');
      expect(await kept.first(1)).to.deep.equal(['still here']);
    });
  });
}
