import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { bytes, message, text } from '../messages.js';
import type { Suite } from '../suite.js';

export function publishSubscribe({ connect }: Suite): void {
  describe('publish and subscribe', () => {
    it('hands a message over with its topic and its bytes', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'greetings');
      await alice.publish(message('greetings', 'hello'));
      const [received] = await listener.first(1);
      expect(received?.topic).to.equal('greetings');
      expect(received && text(received)).to.equal('hello');
    });

    it('carries every value of a byte', async () => {
      const alice = await connect();
      const listener = await listen(alice, 'bytes');
      const sent = Uint8Array.from({ length: 256 }, (_, value) => value);
      await alice.publish({ topic: 'bytes', bytes: sent });
      const [received] = await listener.first(1);
      expect(received?.bytes).to.deep.equal(sent);
    });

    it('carries a message of no bytes', async () => {
      const alice = await connect();
      const listener = await listen(alice, 'nothing');
      await alice.publish(message('nothing'));
      const [received] = await listener.first(1);
      expect(received?.bytes).to.deep.equal(new Uint8Array());
    });

    it('hands a message to every subscription, those of its publisher included', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listeners = [await listen(alice, 'news'), await listen(bob, 'news'), await listen(bob, 'news')];
      await alice.publish(message('news', 'for all'));
      for (const listener of listeners) expect(await listener.textsFrom(alice)).to.deep.equal(['for all']);
    });

    it('hands over nothing of other topics', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      for (const topic of ['new', 'newsletter', 'News', 'news.today', 'old.news']) await alice.publish(message(topic));
      await alice.publish(message('news'));
      expect(await listener.topicsFrom(alice)).to.deep.equal(['news']);
    });

    it('hands over what is published as soon as subscribe has resolved', async () => {
      const [alice, bob] = [await connect(), await connect()];
      for (let round = 0; round < 50; round += 1) {
        const listener = await listen(bob, `round.${round}`);
        await alice.publish(message(`round.${round}`, `${round}`));
        expect(await listener.textsFrom(alice)).to.deep.equal([`${round}`]);
      }
    });

    it('hands over nothing inside of a call', async () => {
      const alice = await connect();
      let inside = false;
      const seenInside: boolean[] = [];
      const onMessage = () => seenInside.push(inside);
      const listener = await listen(alice, 'news', { onMessage });

      inside = true;
      const calls = [
        alice.publish(message('news', 'event')),
        listen(alice, 'news', { onMessage }),
        alice.flush(),
        listener.subscription.drain(),
      ];
      alice.request(message('news', 'request'), () => {});
      inside = false;

      await Promise.all(calls);
      expect(seenInside).to.not.be.empty.and.to.not.include(true);
    });

    it('gives each receiver bytes of its own', async () => {
      const alice = await connect();
      const vandal = await listen(alice, 'news', { onMessage: ({ bytes }) => bytes.fill(0) });
      const reader = await listen(alice, 'news');
      const sent = bytes('intact');
      await alice.publish({ topic: 'news', bytes: sent });
      await vandal.everythingFrom(alice);
      expect(await reader.textsFrom(alice)).to.deep.equal(['intact']);
      expect(sent).to.deep.equal(bytes('intact'));
    });

    it('lets the publisher use its bytes again when publish has resolved', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      // A Buffer, since a copy by its slice() would be none.
      const buffer = Buffer.from('first');
      await alice.publish({ topic: 'news', bytes: buffer });
      buffer.write('other');
      expect(await listener.textsFrom(alice)).to.deep.equal(['first']);
    });
  });
}
