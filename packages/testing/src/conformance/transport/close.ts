import type { Inbound } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { ask, askText, bytes, failure, message, replyTo, serve, text } from '../messages.js';
import type { Suite } from '../suite.js';

const NUMBERS = Array.from({ length: 200 }, (_, index) => `${index}`);

export function close({ connect }: Suite): void {
  describe('the close of a connection', () => {
    it('sends what is still to be sent', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      for (const number of NUMBERS) void alice.publish(message('count', number));
      await alice.close();
      expect((await listener.first(NUMBERS.length)).map(text)).to.deep.equal(NUMBERS);
    });

    it('ends its subscriptions: nothing is handed over when it has resolved', async () => {
      const [alice, bob, carol] = [await connect(), await connect(), await connect()];
      const ended = await listen(bob, 'news');
      const lasting = await listen(carol, 'news');
      await bob.close();
      await alice.publish(message('news', 'after'));
      await lasting.everythingFrom(alice);
      expect(ended.messages).to.deep.equal([]);
    });

    it('hands over what had reached its subscriptions', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(bob, 'count');
      await Promise.all(NUMBERS.map((number) => alice.publish(message('count', number))));
      await alice.flush();
      await bob.close();
      expect(listener.messages.map(text)).to.deep.equal(NUMBERS);
    });

    it('ends the drains that are under way or asked for later', async () => {
      const bob = await connect();
      const [first, second] = [await listen(bob, 'news'), await listen(bob, 'news')];
      const drained = first.subscription.drain();
      await bob.close();
      await drained;
      await second.subscription.drain();
    });

    it('settles the requests that still wait', async () => {
      const [client, server] = [await connect(), await connect()];
      const silent = await listen(server, 'echo');
      const answers = [ask(client, message('echo')), ask(client, message('echo'))];
      await silent.first(2);
      await client.close();
      for (const answer of await Promise.all(answers)) expect(answer).to.be.busError('TERABUS_CLOSED');
    });

    it('is told by closed, without a reason', async () => {
      const alice = await connect();
      await alice.close();
      expect(await alice.closed).to.equal(undefined);
    });

    it('may be asked for again', async () => {
      const alice = await connect();
      await Promise.all([alice.close(), alice.close()]);
      await alice.close();
    });

    it('refuses all that comes later', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const listener = await listen(alice, 'echo');
      bob.request(message('echo'), () => {});
      const [request] = await listener.first(1);
      await alice.close();
      expect(await failure(alice.publish(message('news')))).to.be.busError('TERABUS_CLOSED');
      expect(await failure(listen(alice, 'news'))).to.be.busError('TERABUS_CLOSED');
      expect(await failure(alice.respond(replyTo(request as Inbound), bytes('')))).to.be.busError('TERABUS_CLOSED');
      expect(await failure(alice.flush())).to.be.busError('TERABUS_CLOSED');
      expect(await ask(alice, message('news'))).to.be.busError('TERABUS_CLOSED');
    });

    it('leaves the others alone', async () => {
      const [alice, bob, carol] = [await connect(), await connect(), await connect()];
      await serve(bob, 'echo', () => ({ content: 'answer' }));
      await alice.close();
      expect(await askText(carol, message('echo'))).to.equal('answer');
    });
  });
}
