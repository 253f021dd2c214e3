import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { failure, message } from '../messages.js';
import type { Suite } from '../suite.js';

const CONFIRMED = { confirm: true };

export function confirm({ connect, given }: Suite): void {
  describe('a publish to be confirmed', () => {
    it('resolves, and the message arrives', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      await alice.publish(message('news', 'a'), CONFIRMED);
      expect(await listener.textsFrom(alice)).to.deep.equal(['a']);
    });

    it('resolves too where nobody subscribes', async () => {
      await (await connect()).publish(message('nobody.listens'), CONFIRMED);
    });

    it('has its place in the order of those that are not', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      const numbers = Array.from({ length: 50 }, (_, n) => `${n}`);
      await Promise.all(numbers.map((n, i) => alice.publish(message('count', n), { confirm: i % 3 === 0 })));
      expect(await listener.textsFrom(alice)).to.deep.equal(numbers);
    });

    given('payloadLimit')('rejects with what is wrong with the message, and the connection lives', async () => {
      const alice = await connect();
      const listener = await listen(alice, 'news');
      const large = { topic: 'news', bytes: new Uint8Array(alice.maxPayloadBytes + 1) };
      expect(await failure(alice.publish(large, CONFIRMED))).to.be.busError('TERABUS_PAYLOAD_TOO_LARGE');
      expect(await failure(alice.publish(message(''), CONFIRMED))).to.be.busError('TERABUS_TOPIC_INVALID');
      await alice.publish(message('news', 'fine'), CONFIRMED);
      expect(await listener.textsFrom(alice)).to.deep.equal(['fine']);
    });

    it('is refused on a closed connection', async () => {
      const alice = await connect();
      await alice.close();
      expect(await failure(alice.publish(message('news'), CONFIRMED))).to.be.busError('TERABUS_CLOSED');
    });
  });

  describe('what was handed over', () => {
    it('is not told to be unconfirmed when it has arrived, nor when the connection is closed behind it', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      const unconfirmed: unknown[] = [];
      const onUnconfirmed = (error: unknown) => unconfirmed.push(error);
      await alice.publish({ ...message('news', 'a'), onUnconfirmed });
      await alice.publish({ ...message('news', 'b'), onUnconfirmed }, CONFIRMED);
      await alice.publish({ ...message('news', 'c'), onUnconfirmed });
      await alice.close();
      await listener.first(3);
      expect(unconfirmed).to.deep.equal([]);
    });
  });
}
