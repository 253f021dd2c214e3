import { from, OnEvent, OnPayload, Service, TeraService } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Archive, Desk, news, notes, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

const NUMBERS = Array.from({ length: 60 }, (_, index) => `${index}`);
const sorted = (texts: readonly string[]) => [...texts].sort((a, b) => Number(a) - Number(b));

export function groups({ host, speaker, given }: ServiceSuite): void {
  /** A service that keeps what it gets of {@link notes}; the class is new each time, as in a process of its own. */
  function keeper(contract: typeof Archive | typeof Desk, everyInstance = false) {
    const kept = new Log();
    @Service(contract, { uses: [notes] })
    class Keeper extends TeraService {
      @OnPayload(everyInstance ? from(notes, { everyInstance }) : notes)
      onNote(text: string) {
        kept.add(text);
      }
    }
    return { kept, Keeper };
  }

  describe('delivery groups', () => {
    it('of overlapping patterns in one service each get a copy', async () => {
      const log = new Log();
      @Service(Archive)
      class Twice extends TeraService {
        @OnEvent(news.all, UserEvent)
        onAny({ userUuid }: UserEvent) {
          log.add(`any ${userUuid}`);
        }
        @OnEvent(news({ desk: 'a' }), UserEvent)
        onOne({ userUuid }: UserEvent) {
          log.add(`one ${userUuid}`);
        }
      }
      const { host: running } = await host([Twice]);
      const bus = await speaker();
      for (const number of NUMBERS) await bus.publish(news({ desk: 'a' }), user(number));
      await bus.publish(news({ desk: 'b' }), user('b'));
      await bus.transport.flush();
      await running.stop();
      const want = NUMBERS.flatMap((number) => [`any ${number}`, `one ${number}`]);
      expect(log.entries).to.have.members([...want, 'any b']);
    });

    given('groups')('of two hosts of one service share the messages', async () => {
      const shares = [keeper(Archive), keeper(Archive)];
      const hosts = await Promise.all(shares.map(({ Keeper }) => host([Keeper])));
      const bus = await speaker();
      for (const number of NUMBERS) await bus.publish(notes, number);
      await bus.transport.flush();
      await Promise.all(hosts.map((each) => each.host.stop()));
      expect(sorted(shares.flatMap(({ kept }) => kept.entries))).to.deep.equal(NUMBERS);
      // By chance this fails once in 10^17 runs.
      for (const { kept } of shares) expect(kept.entries).to.not.be.empty;
    });

    it('of two services both get every message', async () => {
      const [archive, desk] = [keeper(Archive), keeper(Desk)];
      await host([archive.Keeper, desk.Keeper]);
      const bus = await speaker();
      for (const number of NUMBERS) await bus.publish(notes, number);
      expect(await archive.kept.first(NUMBERS.length)).to.deep.equal(NUMBERS);
      expect(await desk.kept.first(NUMBERS.length)).to.deep.equal(NUMBERS);
    });

    it('for every instance are shared by nobody', async () => {
      const instances = [keeper(Archive, true), keeper(Archive, true)];
      const hosts = await Promise.all(instances.map(({ Keeper }) => host([Keeper])));
      const bus = await speaker();
      for (const number of NUMBERS) await bus.publish(notes, number);
      await bus.transport.flush();
      await Promise.all(hosts.map((each) => each.host.stop()));
      for (const { kept } of instances) expect(kept.entries).to.deep.equal(NUMBERS);
    });

    given('groups')('give the messages of a host that stops to those that stay', async () => {
      const [leaving, staying] = [keeper(Archive), keeper(Archive)];
      const [leaver, stayer] = [await host([leaving.Keeper]), await host([staying.Keeper])];
      const bus = await speaker();
      let left: Promise<unknown> = Promise.resolve();
      for (const number of NUMBERS) {
        await bus.publish(notes, number);
        if (number === '20') left = leaver.host.stop();
      }
      await left;
      await bus.publish(notes, '60');
      await staying.kept.until((text) => text === '60');
      await stayer.host.stop();
      expect(sorted([...leaving.kept.entries, ...staying.kept.entries])).to.deep.equal([...NUMBERS, '60']);
    });
  });
}
