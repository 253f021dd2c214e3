import type { Inbound, Transport } from '@terabus/core/transport';
import type { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { listen } from '../listener.js';
import { ask, askText, bytes, failure, message, replyTo, serve, text } from '../messages.js';
import type { Suite } from '../suite.js';

/** An answer to one of these could publish, delete a stream or reach many at once. */
const NO_PLACES_FOR_ANSWERS = [
  '',
  'news',
  '$JS.API.STREAM.DELETE.orders',
  '$SYS.REQ.SERVER.PING',
  '_REPLY',
  '_REPLY.a.b',
  '_REPLY.a.*.1',
  '_REPLY.a.b.>',
  '_REPLY.a.b.1 news',
  '_REPLY.a.b.1\r\n',
  'x_REPLY.a.b.1',
];

/** Resolves when no request of the client can settle any more: a later one has, and the connection is gone. */
async function everythingSettled(client: Transport, server: Transport): Promise<void> {
  await serve(server, 'fence', () => ({ content: '' }));
  await askText(client, message('fence'));
  await client.close();
}

export function requestReply({ connect, given }: Suite): void {
  describe('requests', () => {
    it('get the answer of who serves the topic', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'upper', (request) => ({ content: text(request).toUpperCase() }));
      expect(await askText(client, message('upper', 'hello'))).to.equal('HELLO');
    });

    it('get an answer under the topic that they asked', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'echo.*', () => ({ content: 'answer' }));
      expect(await ask(client, message('echo.one'))).to.have.property('topic', 'echo.one');
    });

    it('can be served on the connection that asks', async () => {
      const alice = await connect();
      await serve(alice, 'upper', (request) => ({ content: text(request).toUpperCase() }));
      expect(await askText(alice, message('upper', 'hello'))).to.equal('HELLO');
    });

    it('say where the answer goes, and what is published says nothing', async () => {
      const [client, server] = [await connect(), await connect()];
      const listener = await listen(server, 'news');
      client.request(message('news', 'request'), () => {});
      await client.publish(message('news', 'event'));
      const received = await listener.everythingFrom(client);
      expect(received.map((inbound) => [text(inbound), typeof inbound.replyTo])).to.deep.equal([
        ['request', 'string'],
        ['event', 'undefined'],
      ]);
    });

    it('each get their own answer, whatever the order of the answers', async () => {
      const [client, server] = [await connect(), await connect()];
      const waiting = await listen(server, 'echo');
      const answers = ['a', 'b', 'c'].map((content) => askText(client, message('echo', content)));
      const requests = await waiting.first(3);
      for (const request of requests.toReversed()) await server.respond(replyTo(request), request.bytes);
      expect(await Promise.all(answers)).to.deep.equal(['a', 'b', 'c']);
    });

    it('of many connections never mix', async () => {
      const server = await connect();
      await serve(server, 'echo', (request) => ({ content: text(request) }));
      const clients = await Promise.all([1, 2, 3].map(connect));
      const answers = await Promise.all(
        clients.flatMap((client, index) =>
          [1, 2, 3].map((n) => askText(client, message('echo', `request ${n} of client ${index}`))),
        ),
      );
      expect(new Set(answers).size).to.equal(9);
      expect(answers[5]).to.equal('request 3 of client 1');
    });

    it('take the first answer and drop the others', async () => {
      const [client, server] = [await connect(), await connect()];
      const waiting = await listen(server, 'echo');
      const settled: (Inbound | BusError)[] = [];
      client.request(message('echo'), (answer) => settled.push(answer));
      const [request] = await waiting.first(1);
      for (const content of ['first', 'second']) {
        await server.respond(replyTo(request as Inbound), bytes(content));
      }
      await everythingSettled(client, server);
      expect(settled.map((answer) => text(answer as Inbound))).to.deep.equal(['first']);
    });

    it('that are given up get no answer any more', async () => {
      const [client, server] = [await connect(), await connect()];
      const waiting = await listen(server, 'echo');
      const settled: unknown[] = [];
      const giveUp = client.request(message('echo'), (answer) => settled.push(answer));
      const [request] = await waiting.first(1);
      giveUp();
      await server.respond(replyTo(request as Inbound), bytes('late'));
      await everythingSettled(client, server);
      expect(settled).to.deep.equal([]);
    });

    it('that are given up at once get no answer either', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'echo', () => ({ content: 'answer' }));
      const settled: unknown[] = [];
      client.request(message('echo'), (answer) => settled.push(answer))();
      client.request(message('half\ud83d'), (answer) => settled.push(answer))();
      await everythingSettled(client, server);
      expect(settled).to.deep.equal([]);
    });

    it('never settle inside of request', async () => {
      const [client, server] = [await connect(), await connect()];
      await serve(server, 'echo', () => ({ content: 'answer' }));
      const seenInside: boolean[] = [];
      for (const topic of ['echo', '']) {
        let inside = true;
        await new Promise<void>((resolve) => {
          client.request(message(topic), () => {
            seenInside.push(inside);
            resolve();
          });
          inside = false;
        });
      }
      expect(seenInside).to.deep.equal([false, false]);
    });

    it('with a bad topic settle with the reason', async () => {
      const client = await connect();
      expect(await ask(client, message('half\ud83d'))).to.be.busError('TERABUS_TOPIC_INVALID');
    });

    given('groups')('go to one member of a group', async () => {
      const client = await connect();
      const members = await Promise.all(
        [1, 2, 3].map(async () => {
          const server = await connect();
          return listen(server, 'echo', {
            group: 'servers',
            onMessage: (request) => void server.respond(replyTo(request), request.bytes),
          });
        }),
      );
      for (const content of ['a', 'b', 'c']) expect(await askText(client, message('echo', content))).to.equal(content);
      expect(members.flatMap(({ messages }) => messages).map(text)).to.have.members(['a', 'b', 'c']);
    });

    it('are seen by subscribers to everything, and their answers are not', async () => {
      const [client, server, spy] = [await connect(), await connect(), await connect()];
      await serve(server, 'echo', () => ({ content: 'answer' }));
      const seen = await listen(spy, '>');
      await askText(client, message('echo', 'request'));
      expect(await seen.textsFrom(client, server)).to.deep.equal(['request']);
    });
  });

  describe('answers', () => {
    for (const place of NO_PLACES_FOR_ANSWERS) {
      it(`to ${JSON.stringify(place)} are refused`, async () => {
        const [server, bystander] = [await connect(), await connect()];
        const listener = await listen(bystander, '>');
        expect(await failure(server.respond(place, bytes('harm')))).to.be.busError('TERABUS_REPLY_REFUSED');
        expect(await listener.textsFrom(server)).to.deep.equal([]);
      });
    }
  });
}
