import type { TransportEvent } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { askText, failure, message, serve, text } from '../messages.js';
import type { Suite } from '../suite.js';

export function link({ connect }: Suite): void {
  describe('the link', () => {
    it('confirms a message when it is past recall', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'news');
      const late: unknown[] = [];
      const confirmed = { ...message('news', 'confirmed'), onUnconfirmed: (error: unknown) => late.push(error) };
      await alice.publish(confirmed, { confirm: true });
      // No flush: it has to be there without.
      await listener.subscription.drain();
      expect(listener.messages.map(text)).to.deep.equal(['confirmed']);
      await alice.close();
      expect(late).to.deep.equal([]);
    });

    it('keeps confirmed messages and others in one order', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      const numbers = Array.from({ length: 100 }, (_, index) => `${index}`);
      await Promise.all(numbers.map((number, i) => alice.publish(message('count', number), { confirm: i % 3 === 0 })));
      expect(await listener.textsFrom(alice)).to.deep.equal(numbers);
    });

    it('reports nothing of messages that arrive', async () => {
      const alice = await connect();
      const late: unknown[] = [];
      for (let i = 0; i < 100; i += 1) {
        await alice.publish({ ...message('news'), onUnconfirmed: (error) => late.push(error) });
      }
      await alice.flush();
      await alice.close();
      expect(late).to.deep.equal([]);
    });

    it('is made ready for requests, however often', async () => {
      const [alice, bob] = [await connect(), await connect()];
      await serve(bob, 'echo', (request) => ({ content: text(request) }));
      await alice.prepareRequests();
      await alice.prepareRequests();
      expect(await askText(alice, message('echo', 'ready'))).to.equal('ready');
      await alice.close();
      expect(await failure(alice.prepareRequests())).to.have.property('reason', 'TERABUS_CLOSED');
    });

    it('is up until it is closed, without problems, and nothing waits', async () => {
      const alice = await connect();
      await alice.publish(message('news'));
      await alice.flush();
      const nothing = { messages: 0, bytes: 0 };
      expect(alice.health()).to.deep.include({ state: 'up', problems: [], unconfirmed: nothing, waiting: nothing });
      await alice.close();
      expect(alice.health()).to.deep.include({ state: 'closed', unconfirmed: nothing, waiting: nothing });
      expect(alice.health().problems.map(({ reason }) => reason)).to.deep.equal(['TERABUS_CLOSED']);
    });

    it('has nothing to tell where nothing happens, nor of its close, nor to whom has left', async () => {
      const alice = await connect();
      const events: TransportEvent[] = [];
      const leave = alice.watch((event) => events.push(event));
      alice.watch((event) => events.push(event));
      leave();
      leave();
      await alice.publish(message('news'));
      await alice.flush();
      await alice.close();
      expect(events).to.deep.equal([]);
    });
  });
}
