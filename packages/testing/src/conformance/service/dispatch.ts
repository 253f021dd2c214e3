import { OnEvent, OnMessage, OnPayload, Service, TeraService } from '@terabus/core';
import { DeviceEvent, JoinSessionEvent, packAny, SessionEvent, StopSessionEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bytes } from '../messages.js';
import {
  brokenUser,
  Clerk,
  Desk,
  deskBytes,
  device,
  news,
  newsBytes,
  notes,
  packedLog,
  packedUser,
  user,
} from './contracts.js';
import { Log } from './log.js';
import type { ServiceSuite } from './service-suite.js';

export function dispatch({ host, speaker }: ServiceSuite): void {
  /** A reader of everything in {@link news}, and how raw bytes get to it. */
  async function reader() {
    const log = new Log();
    @Service(Clerk, { uses: [Desk] })
    class Reader extends TeraService {
      @OnEvent(news.all, UserEvent)
      onUser({ userUuid }: UserEvent) {
        log.add(`user ${userUuid}`);
      }
      @OnEvent(news.all, DeviceEvent)
      async onDevice({ deviceUuid }: DeviceEvent) {
        log.add(`device ${deviceUuid}`);
      }
      @OnEvent(news.all, SessionEvent)
      onSession(event: SessionEvent) {
        log.add(`session ${event.$type.split('.').at(-1)}`);
      }
      @OnMessage(Desk.messages, UserEvent)
      onMail({ userUuid }: UserEvent) {
        log.add(`mail ${userUuid}`);
      }
      @OnPayload(notes)
      onNote(text: string) {
        log.add(`note ${text}`);
      }
    }
    const archive = await host([Reader]);
    const bus = await speaker();
    const topic = news({ desk: 'a' }).name;
    const raw = (content: Uint8Array, to = topic) => bus.transport.publish({ topic: to, bytes: content });
    return { log, raw, bus, ...archive };
  }

  describe('dispatch', () => {
    it('gives each message to the method of its type, families included', async () => {
      const { log, bus } = await reader();
      const topic = news({ desk: 'a' });
      await bus.publish(topic, user('1'));
      await bus.publish(topic, StopSessionEvent.create());
      await bus.publish(topic, device('2'));
      await bus.publish(topic, JoinSessionEvent.create());
      const want = ['user 1', 'session StopSessionEvent', 'device 2', 'session JoinSessionEvent'];
      expect(await log.first(4)).to.deep.equal(want);
    });

    it('gives all messages of an envelope in their order, and skips types that nobody handles', async () => {
      const { log, raw, host: running, logs } = await reader();
      await raw(
        newsBytes([packedUser('1'), packedLog(), packAny(DeviceEvent, device('2')), packedLog(), packedUser('3')]),
      );
      expect(await log.first(3)).to.deep.equal(['user 1', 'device 2', 'user 3']);
      expect(running.counters).to.include({ unhandled: 2, badMessages: 0, failed: 0 });
      expect(logs.filter(({ level }) => level === 'error')).to.deep.equal([]);
    });

    it('drops a content that can’t be decoded, with a reason, and none of its siblings', async () => {
      const { log, raw, events } = await reader();
      await raw(newsBytes([packedUser('1'), brokenUser(), packedUser('3')]));
      expect(await log.first(2)).to.deep.equal(['user 1', 'user 3']);
      const bad = await events.until(({ kind }) => kind === 'bad-message');
      expect(bad).to.have.property('error').that.is.busError('TERABUS_MESSAGE_UNDECODABLE', 'onUser');
    });

    it('drops an envelope whose header names another topic, and takes one that names none', async () => {
      const { log, raw, events } = await reader();
      await raw(newsBytes([packedUser('misplaced')], news({ desk: 'b' }).name));
      await raw(newsBytes([packedUser('unnamed')], ''));
      await raw(deskBytes('module.X', 0, [packedUser('misplaced')], 'module.Other.messages'), Desk.messages.name);
      await raw(deskBytes('module.X', 0, [packedUser('placed')]), Desk.messages.name);
      await log.until((entry) => entry === 'mail placed');
      await log.until((entry) => entry === 'user unnamed');
      expect(log.entries).to.have.lengthOf(2);
      const bad = events.entries.filter((event) => event.kind === 'bad-message');
      expect(bad).to.have.lengthOf(2);
      for (const { error } of bad) expect(error).to.be.busError('TERABUS_MESSAGE_MISPLACED');
    });

    it('drops bytes that are no envelope and text that is no UTF-8, and goes on', async () => {
      const { log, raw, host: running, bus } = await reader();
      await raw(bytes('no envelope at all'));
      await raw(new Uint8Array([0xff, 0xfe]), notes.name);
      await raw(newsBytes([packedUser('1')]));
      await bus.publish(notes, 'text');
      await log.first(2);
      expect(log.entries).to.have.members(['user 1', 'note text']);
      expect(running.counters).to.include({ badMessages: 2, handled: 2 });
    });

    it('takes empty envelopes for what they are', async () => {
      const { log, raw, host: running } = await reader();
      await raw(newsBytes([]));
      await raw(new Uint8Array());
      await raw(newsBytes([packedUser('1')]));
      expect(await log.first(1)).to.deep.equal(['user 1']);
      expect(running.counters).to.include({ handled: 1, failed: 0, unhandled: 0 });
    });
  });
}
