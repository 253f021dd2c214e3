import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { watching } from './support/events.js';
import { eventually } from './support/eventually.js';
import { proxyTo } from './support/proxy.js';
import { rawClient } from './support/raw-client.js';
import { ask, bytes, record, text } from './support/recorder.js';

describe('links to a real server', () => {
  let server: NatsServer;
  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  /** A connection through a proxy that has a subscription, and what it tells. */
  async function start() {
    const proxy = await proxyTo(server.port);
    const transport = await connectNats({ servers: proxy.url });
    // One of its own: several run at a time.
    const topic = `a.${new URL(proxy.url).port}`;
    const received = await record(transport, { topic });
    return {
      proxy,
      topic,
      transport,
      seen: watching(transport),
      /** The link works again, in both directions. */
      async works() {
        await transport.publish({ topic, bytes: bytes('works') }, { confirm: true });
        expect((await received.stop()).map(text)).to.deep.equal(['works']);
      },
      async [Symbol.asyncDispose]() {
        await transport.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  }

  const ends = {
    'is cut': (proxy) => proxy.cut(),
    'is closed by its server': (proxy) => proxy.halfClose(),
    'carries what is no protocol': (proxy) => proxy.inject('\u0000\u00ff garbage\r\n'),
    'carries a message of a size that is none': (proxy) => proxy.inject('MSG a 1 x\r\n'),
    'carries facts about its server that are none': (proxy) => proxy.inject('INFO {not json\r\n'),
  } satisfies Record<string, (proxy: Awaited<ReturnType<typeof proxyTo>>) => void>;
  for (const [title, end] of Object.entries(ends)) {
    it(`one that ${title} is replaced, with all subscriptions`, async () => {
      await using test = await start();
      end(test.proxy);
      const { error, unconfirmed, server: lost } = await test.seen.first('disconnected');
      expect([error.reason, unconfirmed, lost]).to.deep.equal(['TERABUS_DISCONNECTED', 0, test.proxy.url]);
      expect((await test.seen.first('reconnected')).downMs).to.be.greaterThan(0);
      await test.works();
      expect(test.seen.kinds()).to.deep.equal(['disconnected', 'reconnected']);
    });
  }

  it('one that is dead is found by its pings: deaf in either direction, or to a server that hangs', async () => {
    const deaf = async (side: 'server' | 'client') => {
      await using test = await start();
      test.proxy.makeDeaf(side);
      expect((await test.seen.first('disconnected')).error.rawMessage).to.contain('does not answer');
      test.proxy.makeDeaf(undefined);
      await test.seen.first('reconnected');
      await test.works();
    };
    const hangs = async () => {
      await using hanging = await startNatsServer();
      const transport = await connectNats({ servers: hanging.url });
      const seen = watching(transport);
      await hanging.pause();
      expect((await seen.first('disconnected')).error.rawMessage).to.contain('does not answer');
      hanging.resume();
      await seen.first('reconnected');
      await transport.close();
    };
    await Promise.all([deaf('server'), deaf('client'), hangs()]);
  });

  it('are told by health: up, down with its reason, up again', async () => {
    await using test = await start();
    const { transport, proxy, seen } = test;
    await eventually(() => void expect(transport.health().roundTripMs).to.be.a('number'));
    expect(transport.health()).to.include({ state: 'up' }).and.have.property('problems').that.is.empty;

    proxy.accept(false);
    proxy.cut();
    await seen.first('disconnected');
    const { state, problems } = transport.health();
    expect([state, problems.map(({ reason }) => reason)]).to.deep.equal(['down', ['TERABUS_DISCONNECTED']]);

    proxy.accept(true);
    await seen.first('reconnected');
    expect(transport.health()).to.include({ state: 'up' }).and.have.property('problems').that.is.empty;

    await transport.close();
    expect(transport.health()).to.include({ state: 'closed' });
  });

  it('leave no socket behind at servers that say nothing', async () => {
    await using test = await start();
    const open = new Set<Socket>();
    let dialled = 0;
    const silent = createServer((socket) => {
      dialled += 1;
      open.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => open.delete(socket))
        .resume();
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const connecting = connectNats({ servers: `127.0.0.1:${port}`, connectTimeoutMs: 50 }).catch(
      ({ reason }) => reason,
    );
    expect(await connecting).to.equal('TERABUS_NO_SERVER');
    await eventually(() => void expect(open.size).to.equal(0));
    expect(dialled).to.be.greaterThan(0);
    silent.close();
    await test.works();
  });

  it('end with their transport, whatever state they are in', async () => {
    const proxy = await proxyTo(server.port);
    const silent = await connectNats({ servers: proxy.url, closeTimeoutMs: 50 });
    proxy.makeDeaf('server');
    await silent.close();
    await eventually(() => void expect(proxy.open).to.equal(0));

    const down = await connectNats({ servers: server.url.replace('127.0.0.1', 'localhost') });
    await down.close();
    expect(await down.closed).to.equal(undefined);
    await proxy[Symbol.asyncDispose]();
  });

  it('tell that their server was told to end', async () => {
    const lame = await startNatsServer();
    const transport = await connectNats({ servers: lame.url });
    const seen = watching(transport);
    process.kill(lame.pid, 'SIGUSR2');
    expect((await seen.first('lame-duck')).server).to.equal(lame.url);
    await transport.close();
    // It takes no second word.
    await lame.kill();
    await lame.stop();
  });

  it('go to the other servers of a cluster, also those that nobody has named', async () => {
    const first = await startNatsServer({
      configuration: 'server_name: a\ncluster { name: c, listen: "127.0.0.1:-1" }',
    });
    const [, route] = /Cluster name.*[\s\S]*Listening for route connections on (\S+)/.exec(first.log()) ?? [];
    const second = await startNatsServer({
      configuration: `server_name: b\ncluster { name: c, listen: "127.0.0.1:-1", routes: ["nats-route://${route}"] }`,
    });
    await eventually(() => void expect(first.log()).to.contain('Route connection created'));
    const transport = await connectNats({ servers: first.url });
    const seen = watching(transport);
    await first.kill();
    expect((await seen.first('reconnected')).server).to.equal(second.url);
    await transport.close();
    await first.stop();
    await second.stop();
  });

  it('carry on through headers that nobody can read, however many and however hostile', async () => {
    await using test = await start();
    const raw = await rawClient(server.port);
    const blocks = [
      'NATS/1.0\r\nBad Name: x\r\n\r\n',
      'NATS/1.0\r\n: no name\r\n\r\n',
      'NATS/1.0\r\nno colon\r\n\r\n',
      'NATS/1.0 abc\r\n\r\n',
      'HTTP/1.1 200\r\n\r\n',
      '\r\n\r\n',
      '\u00ff\u00fe\u0000',
    ];
    for (let i = 0; i < 700; i += 1)
      await raw.publish(test.topic, '', { headers: blocks[i % blocks.length] as string });
    raw.close();
    await test.works();
    expect(test.seen.of('bad-message').map(({ count }) => count))
      .to.have.length(700)
      .and.include(700);
    expect(new Set(test.seen.kinds())).to.deep.equal(new Set(['bad-message']));
  });

  it('settle their requests at once when they end, and those that are made while there is none', async () => {
    await using test = await start();
    const { transport, proxy, seen } = test;
    await transport.subscribe('never', {}, () => {});
    const asked = [ask(transport, 'never'), ask(transport, 'never')];
    await transport.flush();
    proxy.accept(false);
    proxy.cut();
    for (const answer of asked)
      expect(await answer).to.include({ reason: 'TERABUS_DISCONNECTED', code: 'UNAVAILABLE' });
    expect(transport.health().state).to.equal('down');
    expect(await ask(transport, 'never')).to.include({ reason: 'TERABUS_DISCONNECTED', code: 'UNAVAILABLE' });
    proxy.accept(true);
    await seen.first('reconnected');
    await test.works();
  });
});
