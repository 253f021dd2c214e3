import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { message } from '../messages.js';
import type { Suite } from '../suite.js';

export function overlap({ connect }: Suite): void {
  describe('overlapping subscriptions of one connection', () => {
    it('each get the message once', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listeners = await Promise.all(['a.b', 'a.*', '*.b', 'a.>', '>'].map((pattern) => listen(bob, pattern)));
      await alice.publish(message('a.b', 'once'));
      for (const listener of listeners) expect(await listener.textsFrom(alice)).to.deep.equal(['once']);
    });

    it('of one and the same pattern each get the message once', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listeners = [await listen(bob, 'a.*'), await listen(bob, 'a.*')];
      await alice.publish(message('a.b', 'once'));
      for (const listener of listeners) expect(await listener.textsFrom(alice)).to.deep.equal(['once']);
    });

    it('end one by one', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const ended = await listen(bob, 'a.*');
      const lasting = await listen(bob, 'a.*');
      await ended.subscription.drain();
      await alice.publish(message('a.b', 'after'));
      expect(await lasting.textsFrom(alice)).to.deep.equal(['after']);
      expect(ended.messages).to.deep.equal([]);
    });
  });
}
