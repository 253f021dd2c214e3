import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { ask, askText, failure, message, serve, text } from '../messages.js';
import type { Suite } from '../suite.js';

function explode(): never {
  throw new Error('a receiver that throws, as it must not');
}

export function isolation({ connect }: Suite): void {
  describe('a receiver that throws', () => {
    it('gets the next message all the same', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const thrower = await listen(bob, 'news', { onMessage: explode });
      for (const content of ['first', 'second']) await alice.publish(message('news', content));
      expect(await thrower.textsFrom(alice)).to.deep.equal(['first', 'second']);
    });

    it('takes nothing away from other subscriptions of its connection', async () => {
      const [alice, bob] = [await connect(), await connect()];
      const before = await listen(bob, 'news');
      const thrower = await listen(bob, 'news', { onMessage: explode });
      const behind = await listen(bob, 'news');
      for (const content of ['first', 'second']) await alice.publish(message('news', content));
      for (const listener of [before, thrower, behind]) {
        expect(await listener.textsFrom(alice)).to.deep.equal(['first', 'second']);
      }
    });

    it('of an answer leaves its connection alive', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'echo', (request) => ({ content: text(request) }));
      await new Promise<void>((resolve) => {
        client.request(message('echo'), () => {
          resolve();
          explode();
        });
      });
      expect(await askText(client, message('echo', 'still here'))).to.equal('still here');
    });

    it('of an answer takes nothing away from requests that end with the connection', async () => {
      const [client, server] = [await connect(), await connect()];
      const silent = await listen(server, 'echo');
      client.request(message('echo'), explode);
      const answer = ask(client, message('echo'));
      await silent.first(2);
      await client.close();
      expect(await answer).to.be.busError('TERABUS_CLOSED');
    });
  });

  describe('bad input', () => {
    const mistakes: Record<string, (transport: Awaited<ReturnType<typeof connect>>) => Promise<unknown>> = {
      'a topic that is too long': (transport) => transport.publish(message('a'.repeat(5_000))),
      'a topic that is malformed': (transport) => transport.publish(message('half\ud83d')),
      'a pattern that is none': (transport) => listen(transport, 'a..b'),
      'a pattern that is too long': (transport) => listen(transport, 'a'.repeat(5_000)),
      'a header that is malformed': (transport) => transport.publish(message('a', '', { 'a\r\nb': '' })),
      'a place for answers that is none': (transport) => transport.respond('news\r\nPING', new Uint8Array()),
    };

    for (const [what, mistake] of Object.entries(mistakes)) {
      it(`such as ${what} leaves the connection and its subscriptions alive`, async () => {
        const [alice, bob] = [await connect(), await connect()];
        const listener = await listen(alice, 'news');
        await failure(mistake(alice));
        await bob.publish(message('news', 'in'));
        await alice.publish(message('news', 'out'));
        expect(await listener.textsFrom(alice, bob)).to.have.members(['in', 'out']);
      });
    }
  });
}
