import { toSubject } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { askText, failure, message, serve } from '../messages.js';
import type { Suite } from '../suite.js';

/** Names that a wire could trip over. OpenTera's keys of services are free text. */
const STRANGE_TOPICS = [
  'module.TeraServer.TwistedModule.events.0f2a-41',
  'a b',
  'a..b',
  '.',
  '.a',
  'a.',
  'a.*',
  '*',
  'a.>',
  '>',
  '%',
  'a%20b',
  '%41',
  '$JS.API.STREAM.DELETE.orders',
  '$SYS.REQ.SERVER.PING',
  '_INBOX.abc',
  '_REPLY.a.b.1',
  '@prod.a',
  'line\r\nPUB a 0\r\n',
  'tab\tnul\0',
  'é.e\u0301.🐙',
  '\u2028\ufeff',
];

export function topics({ connect }: Suite): void {
  describe('topics', () => {
    for (const topic of STRANGE_TOPICS) {
      it(`${JSON.stringify(topic)} arrives under its own name`, async () => {
        const [alice, bob] = [await connect(), await connect()];
        const listener = await listen(bob, toSubject(topic));
        await alice.publish(message(topic, 'hello'));
        expect(await listener.topicsFrom(alice)).to.deep.equal([topic]);
      });
    }

    it('that look alike never meet', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listeners = await Promise.all(STRANGE_TOPICS.map((topic) => listen(bob, toSubject(topic))));
      for (const topic of STRANGE_TOPICS) await alice.publish(message(topic));
      for (const [index, listener] of listeners.entries()) {
        expect(await listener.topicsFrom(alice)).to.deep.equal([STRANGE_TOPICS[index]]);
      }
    });

    it('of requests arrive under their own names as well', async () => {
      const [alice, bob] = [await connect(), await connect()];
      await serve(bob, '>', ({ topic }) => ({ content: topic }));
      for (const topic of STRANGE_TOPICS) expect(await askText(alice, message(topic))).to.equal(topic);
    });

    it('of 200 characters are fine', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const topic = 'a'.repeat(200);
      const listener = await listen(bob, topic);
      await alice.publish(message(topic));
      expect(await listener.topicsFrom(alice)).to.deep.equal([topic]);
    });

    it('of 256 characters are refused', async () => {
      const alice = await connect();
      expect(await failure(alice.publish(message('a'.repeat(256))))).to.be.busError('TERABUS_TOPIC_TOO_LONG');
    });

    for (const topic of ['', 'half\ud83d', '\udc19half', undefined]) {
      it(`${JSON.stringify(topic)} is none and is refused, as the first one and behind another`, async () => {
        const [alice, bob] = [await connect(), await connect()];
        const listener = await listen(bob, '>');
        const bad = () => alice.publish(message(topic as string, '', { A: '1' }));
        for (let time = 0; time < 2; time++) {
          expect(await failure(bad())).to.be.busError('TERABUS_TOPIC_INVALID');
          expect(await failure(bad())).to.be.busError('TERABUS_TOPIC_INVALID');
          await alice.publish(message('good'), { confirm: true });
        }
        expect(await listener.topicsFrom(alice)).to.deep.equal(['good', 'good']);
      });
    }
  });
}
