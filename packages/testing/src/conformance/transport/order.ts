import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { message, text } from '../messages.js';
import type { Suite } from '../suite.js';

const COUNT = 1_000;

export function order({ connect }: Suite): void {
  describe('order', () => {
    it('of what one connection publishes to one topic is kept at each subscription', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listeners = await Promise.all([
        listen(bob, 'count'),
        listen(bob, '>'),
        listen(alice, '*'),
        listen(bob, 'count', { group: 'counters' }),
      ]);
      const sent = Array.from({ length: COUNT }, (_, n) => `${n}`);
      // Nobody waits for one publish before the next.
      await Promise.all(sent.map((n) => alice.publish(message('count', n))));
      for (const listener of listeners) expect(await listener.textsFrom(alice)).to.deep.equal(sent);
    });

    it('is kept whatever the sizes of the messages', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'sizes');
      const sent = Array.from({ length: 50 }, (_, n) => `${n} ${'x'.repeat(n % 2 ? 100_000 : 0)}`);
      await Promise.all(sent.map((content) => alice.publish(message('sizes', content))));
      expect((await listener.textsFrom(alice)).map((content) => content.split(' ')[0])).to.deep.equal(
        sent.map((content) => content.split(' ')[0]),
      );
    });

    it('is kept for each of several publishers', async () => {
      const [alice, bob, carol] = [await connect(), await connect(), await connect()];
      const listener = await listen(carol, 'count');
      await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          Promise.all([alice.publish(message('count', `alice ${n}`)), bob.publish(message('count', `bob ${n}`))]),
        ),
      );
      const received = (await listener.everythingFrom(alice, bob)).map(text);
      for (const name of ['alice', 'bob']) {
        expect(received.filter((content) => content.startsWith(name))).to.deep.equal(
          Array.from({ length: 200 }, (_, n) => `${name} ${n}`),
        );
      }
    });

    it('is kept between requests and events to one topic', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      for (let n = 0; n < 100; n += 1) {
        if (n % 2) alice.request(message('count', `${n}`), () => {});
        else void alice.publish(message('count', `${n}`));
      }
      expect(await listener.textsFrom(alice)).to.deep.equal(Array.from({ length: 100 }, (_, n) => `${n}`));
    });
  });
}
