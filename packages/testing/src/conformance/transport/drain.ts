import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { message, text } from '../messages.js';
import type { Suite } from '../suite.js';

const NUMBERS = Array.from({ length: 200 }, (_, index) => `${index}`);

export function drain({ connect }: Suite): void {
  describe('the drain of a subscription', () => {
    it('hands over all that had reached it', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      await Promise.all(NUMBERS.map((number) => alice.publish(message('count', number))));
      await alice.flush();
      await listener.subscription.drain();
      expect(listener.messages.map(text)).to.deep.equal(NUMBERS);
    });

    it('hands over nothing afterwards', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const ended = await listen(bob, 'count');
      const lasting = await listen(bob, 'count');
      await ended.subscription.drain();
      await alice.publish(message('count', 'after'));
      await lasting.everythingFrom(alice);
      expect(ended.messages).to.deep.equal([]);
    });

    it('cuts the stream of messages in one place', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      let drained = Promise.resolve();
      for (const number of NUMBERS) {
        await alice.publish(message('count', number));
        if (number === '100') drained = listener.subscription.drain();
      }
      await drained;
      const received = listener.messages.map(text);
      await alice.flush();
      expect(listener.messages.map(text)).to.deep.equal(received);
      expect(received).to.deep.equal(NUMBERS.slice(0, received.length));
    });

    it('is one and the same however often it is asked for', async () => {
      const alice = await connect();
      const { subscription } = await listen(alice, 'news');
      const first = subscription.drain();
      expect(subscription.drain()).to.equal(first);
      await first;
      expect(subscription.drain()).to.equal(first);
    });

    it('may be asked for by what it hands over', async () => {
      const [alice, bob] = [await connect(), await connect()];
      let drained: Promise<void> | undefined;
      const onMessage = () => {
        drained ??= listener.subscription.drain();
      };
      const listener = await listen(bob, 'news', { onMessage });
      await alice.publish(message('news', 'last'));
      await listener.first(1);
      await drained;
      expect(listener.messages.map(text)).to.deep.equal(['last']);
    });

    it('leaves room for a new subscription', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const first = await listen(bob, 'news');
      await alice.publish(message('news', 'first'));
      expect(await first.textsFrom(alice)).to.deep.equal(['first']);
      const second = await listen(bob, 'news');
      await alice.publish(message('news', 'second'));
      expect(await second.textsFrom(alice)).to.deep.equal(['second']);
      expect(first.messages.map(text)).to.deep.equal(['first']);
    });
  });
}
