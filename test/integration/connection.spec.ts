import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Transport, TransportEvent } from '@terabus/core/transport';
import { connectNats, type NatsOptions, natsOptionsFromEnv } from '@terabus/nats';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { ask, bytes, record, text } from './support/recorder.js';

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const failure = (connecting: Promise<Transport>) =>
  connecting.then(
    async (transport) => {
      await transport.close();
      return undefined;
    },
    (error: Error & { reason: string }) => error,
  );

const USERS = `
accounts {
  A { users: [ { user: alice, password: "p:@ss/wörd" }, { user: bob, password: b, permissions: { subscribe: ["open"] } } ] }
}`;

describe('connections to a real server', () => {
  it('wait for a server that is late', async () => {
    const port = await freePort();
    const connecting = connectNats({ servers: `nats://127.0.0.1:${port}` });
    await using _server = await startNatsServer({ port });
    const transport = await connecting;
    await transport.flush();
    await transport.close();
  });

  it('say where no server answered, and for how long they tried', async () => {
    const servers = [
      `nats://u:hunter2@127.0.0.1:${await freePort()}`,
      `nats://u:hunter2@localhost:${await freePort()}`,
    ];
    const started = performance.now();
    const error = await failure(connectNats({ servers, connectTimeoutMs: 150 }));
    expect(performance.now() - started).to.be.at.least(140);
    expect(error?.reason).to.equal('TERABUS_NO_SERVER');
    expect(error?.message).to.contain(
      `no NATS server answered at ${servers.join(', ').replaceAll('u:hunter2@', '')} within 150 ms`,
    );
    expect(JSON.stringify([error, error?.message, String(error?.stack)])).not.to.contain('hunter2');
  });

  it('give up in time on something that listens and says nothing', async () => {
    const accepted: Socket[] = [];
    const silent = createServer((socket) => accepted.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const started = performance.now();
    const error = await failure(connectNats({ servers: `127.0.0.1:${port}`, connectTimeoutMs: 150 }));
    expect(performance.now() - started).to.be.at.least(140);
    expect(error?.reason).to.equal('TERABUS_NO_SERVER');
    // The client does not close a connection on which it never heard anything.
    for (const socket of accepted) socket.destroy();
    silent.close();
  });

  it('take credentials from options, URLs and the environment', async () => {
    await using server = await startNatsServer({ configuration: USERS });
    const url = `nats://alice:${encodeURIComponent('p:@ss/wörd')}@127.0.0.1:${server.port}`;
    const ways: NatsOptions[] = [
      { servers: server.url, user: 'alice', password: 'p:@ss/wörd' },
      { servers: url },
      natsOptionsFromEnv({ NATS_URL: url }),
      natsOptionsFromEnv({ NATS_URL: server.url, TERABUS_NATS_USER: 'alice', TERABUS_NATS_PASSWORD: 'p:@ss/wörd' }),
    ];
    expect(await Promise.all(ways.map((options) => failure(connectNats(options))))).to.deep.equal(
      ways.map(() => undefined),
    );
  });

  it('are refused at once with bad credentials, which nobody gets to see', async () => {
    await using server = await startNatsServer({ configuration: USERS });
    // Trying again would go on for longer than this spec may take.
    const alice = { servers: server.url, user: 'alice', password: 'hunter2', connectTimeoutMs: 600_000 };
    const error = await failure(connectNats(alice));
    expect(error?.reason).to.equal('TERABUS_NATS_UNAUTHENTICATED');
    expect(JSON.stringify([error, error?.message, String(error?.cause)])).not.to.contain('hunter2');
  });

  it('tell who subscribes without permission', async () => {
    await using server = await startNatsServer({ configuration: USERS });
    const statuses: TransportEvent[] = [];
    const bob = await connectNats({
      servers: server.url,
      user: 'bob',
      password: 'b',
    });
    bob.watch((event) => statuses.push(event));
    const open = await record(bob, { topic: 'open' });
    const refused = await bob.subscribe('secret', {}, () => {}).catch(({ reason }) => reason);
    await bob.publish({ topic: 'open', bytes: bytes('still here') });
    await bob.flush();
    expect(refused).to.equal('TERABUS_NATS_FORBIDDEN');
    expect((await open.stop()).map(text)).to.deep.equal(['still here']);
    expect(statuses.map(({ kind }) => kind)).to.deep.equal(['problem']);

    // Its reply subjects are not granted either: a request fails instead of waiting.
    expect(await ask(bob, 'open')).to.have.property('reason', 'TERABUS_NATS_FORBIDDEN');
    await bob.close();
  });

  it('come back with their subscriptions when the server does', async () => {
    const port = await freePort();
    const statuses: string[] = [];
    let server = await startNatsServer({ port });
    const transport = await connectNats({ servers: server.url });
    transport.watch(({ kind }) => statuses.push(kind));
    const received = await record(transport, { topic: 'a' });
    await server.stop();
    server = await startNatsServer({ port });
    await eventually(() => void expect(statuses).to.include('reconnected'));

    await transport.publish({ topic: 'a', bytes: bytes('back') });
    await transport.flush();
    expect((await received.stop()).map(text)).to.deep.equal(['back']);
    await transport.close();
    await server.stop();
  });

  it('close soon when the server is gone', async () => {
    const server = await startNatsServer();
    const transport = await connectNats({ servers: server.url, closeTimeoutMs: 100 });
    await transport.subscribe('a', {}, () => {});
    await server.stop();

    await transport.close();
    expect(await transport.closed).to.equal(undefined);
  });

  it('close soon when the server hangs', async () => {
    await using server = await startNatsServer();
    const transport = await connectNats({ servers: server.url, closeTimeoutMs: 100 });
    await server.pause();
    const published = transport.publish({ topic: 'a', bytes: new Uint8Array(1_000_000) });

    // Without its own limit it would wait for an answer that never comes.
    await transport.close();
    await published;
    expect(await transport.closed).to.equal(undefined);
  });

  it('leave nobody waiting for a server that hangs when they are closed', async () => {
    await using server = await startNatsServer();
    const transport = await connectNats({ servers: server.url, closeTimeoutMs: 50 });
    const subscription = await transport.subscribe('a', {}, () => {});
    await server.pause();
    const flushed = transport.flush().catch(({ reason }) => reason);
    const drained = subscription.drain();

    await transport.close();

    expect(await flushed).to.equal('TERABUS_CLOSED');
    await drained;
  });

  it('hand over bytes that keep nothing else in memory', async () => {
    await using server = await startNatsServer();
    const transport = await connectNats({ servers: server.url });
    const received = await record(transport, { topic: 'a' });
    for (let i = 0; i < 100; i += 1) await transport.publish({ topic: 'a', bytes: bytes('twenty bytes of text') });
    await transport.flush();
    const kept = (await received.stop()).map((message) => message.bytes.buffer.byteLength);
    expect(kept).to.deep.equal(Array(100).fill(20));
    await transport.close();
  });

  it('end requests and refuse everything once they are closed', async () => {
    await using server = await startNatsServer();
    const transport = await connectNats({ servers: server.url });
    await transport.subscribe('a', {}, () => {});
    const asked = ask(transport, 'a');
    await transport.close();
    await transport.close();

    const message = { topic: 'a', bytes: bytes('') };
    const reasons = await Promise.all(
      [
        asked.then((error) => Promise.reject(error)),
        ask(transport, 'a').then((error) => Promise.reject(error)),
        transport.publish(message),
        transport.subscribe('a', {}, () => {}),
        transport.respond('_INBOX.A1b2C3d4E5f6G7h8I9j0Kl', message.bytes),
        transport.flush(),
      ].map((promise) => promise.catch(({ reason }) => reason)),
    );
    expect(reasons).to.deep.equal(Array(6).fill('TERABUS_CLOSED'));
  });
});
