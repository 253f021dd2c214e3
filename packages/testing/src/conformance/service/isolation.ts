import { from, OnEvent, OnPayload, Service, TeraService } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failure } from '../messages.js';
import { Archive, news, notes, Office, officeService, user } from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

/** What handlers of others have been seen to do. */
const MISDEEDS: Readonly<Record<string, () => unknown>> = {
  'throws an error': () => {
    throw new Error('plain');
  },
  'throws undefined': () => {
    // biome-ignore lint/style/useThrowOnlyError: it is what the case is about
    throw undefined;
  },
  'throws null': () => {
    // biome-ignore lint/style/useThrowOnlyError: it is what the case is about
    throw null;
  },
  'throws a text': () => {
    // biome-ignore lint/style/useThrowOnlyError: it is what the case is about
    throw 'a text';
  },
  'throws an object that can’t be shown': () => {
    const hostile = { toString: explode, toJSON: explode };
    throw new Proxy(hostile, { get: explode, getPrototypeOf: explode });
  },
  'rejects later': async () => {
    await Promise.resolve();
    throw new Error('later');
  },
  'rejects with nothing': () => Promise.reject(),
  'returns a thenable that throws': () => ({
    // biome-ignore lint/suspicious/noThenProperty: it is what the case is about
    then: explode,
  }),
  'returns a thenable that calls both ends': () => ({
    // biome-ignore lint/suspicious/noThenProperty: it is what the case is about
    then(resolve: (value: string) => void, reject: (error: unknown) => void) {
      resolve('well');
      reject(new Error('ill'));
      throw new Error('ill as well');
    },
  }),
};

function explode(): never {
  throw new Error('exploded');
}

export function isolation({ host, speaker, gate, pass }: ServiceSuite): void {
  describe('a handler that', () => {
    for (const [what, misdeed] of Object.entries(MISDEEDS)) {
      it(`${what} hurts neither its neighbours nor its next message`, async () => {
        const log = new Log();
        @Service(Archive)
        class Patient extends TeraService {
          @OnPayload(notes)
          onNote(text: string) {
            log.add(text);
            return text === 'bad' ? misdeed() : undefined;
          }
          @OnEvent(news.all, UserEvent)
          onUser() {
            log.add('neighbour');
          }
        }
        const { host: running } = await host([Patient, officeService({ name_of: misdeed as never })]);
        const bus = await speaker();
        await bus.publish(notes, 'bad');
        await bus.publish(notes, 'good');
        await bus.publish(news({ desk: 'a' }), user('1'));
        await log.first(3);
        expect(log.entries).to.have.members(['bad', 'good', 'neighbour']);
        const answer = bus.client(Office).name_of('11111111-1111-4111-8111-111111111111');
        if (what.endsWith('both ends')) expect(await answer).to.equal('well');
        else expect(await failure(answer)).to.be.busError('TERABUS_HANDLER_FAILED');
        expect(await bus.client(Office).add(1, 2)).to.equal(3);
        expect(await running.stop()).to.include({ running: 0, waiting: 0 });
      });
    }

    it('hangs holds up its own group and nobody else, and only until it is abandoned', async () => {
      const log = new Log();
      const door = gate();
      const timing = { timeoutMs: 30, abandonAfterMs: 10 };
      @Service(Archive)
      class Patient extends TeraService {
        @OnPayload(from(notes, timing))
        async onNote(text: string) {
          log.add(text);
          if (text === 'hang') await door.opened;
        }
        @OnEvent(news.all, UserEvent)
        onUser() {
          log.add('neighbour');
        }
      }
      await host([Patient]);
      const bus = await speaker();
      await bus.publish(notes, 'hang');
      await bus.publish(notes, 'behind');
      await log.first(1);
      await bus.publish(news({ desk: 'a' }), user('1'));
      await log.until((entry) => entry === 'neighbour');
      await pass(40);
      await log.until((entry) => entry === 'behind');
    });

    it('fails often is logged once and counted', async () => {
      @Service(Archive)
      class Patient extends TeraService {
        @OnPayload(notes)
        onNote(text: string) {
          throw new Error(`no ${text}`);
        }
      }
      const { host: running, events, logs } = await host([Patient]);
      const bus = await speaker();
      for (let n = 0; n < 50; n += 1) await bus.publish(notes, `${n}`);
      await bus.transport.flush();
      await running.stop();
      expect(events.entries.filter(({ kind }) => kind === 'handled')).to.have.lengthOf(50);
      expect(running.counters.failed).to.equal(50);
      const lines = logs
        .filter(({ level }) => level === 'error')
        .map(({ msg, count }) => [msg.includes('no 0'), count]);
      expect(lines).to.deep.equal([
        [true, undefined],
        [false, 49],
      ]);
    });
  });
}
