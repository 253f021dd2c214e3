import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ChaosProxy } from './proxy.js';
import { startProxy } from './start-proxy.js';

/** One end of a connection: what it has heard, and how it ended. */
class End {
  heard = '';
  readonly events: string[] = [];
  readonly #wakers = new Set<() => void>();

  constructor(readonly socket: Socket) {
    const wake = () => {
      for (const waker of this.#wakers) waker();
    };
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.heard += text;
      wake();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.events.push(event);
        wake();
      });
    }
    socket.on('error', (error: NodeJS.ErrnoException) => this.events.push(`${error.code}`));
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const waker = () => {
          this.#wakers.delete(waker);
          resolve();
        };
        this.#wakers.add(waker);
      });
    }
  }

  untilHeard(text: string): Promise<void> {
    return this.until(() => this.heard.includes(text));
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.events.includes('close'));
  }
}

describe('startProxy', () => {
  let server: Server;
  let proxy: ChaosProxy;
  let ends: End[];
  let accepted: End[];
  let arrival: () => void;

  beforeEach(async () => {
    ends = [];
    accepted = [];
    arrival = () => undefined;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      const end = new End(socket);
      accepted.push(end);
      ends.push(end);
      arrival();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await startProxy({ target: (server.address() as AddressInfo).port, seed: 1 });
  });

  afterEach(async () => {
    await proxy.stop();
    for (const { socket } of ends) socket.destroy();
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  });

  async function dial({ port } = proxy): Promise<End> {
    const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
    const end = new End(socket);
    ends.push(end);
    // One that is refused may hear of it before it hears that it was accepted.
    await once(socket, 'connect').catch(() => undefined);
    return end;
  }

  /** Both ends of a new connection. */
  async function connect(by = proxy): Promise<{ client: End; peer: End }> {
    const arrived = new Promise<void>((resolve) => {
      arrival = resolve;
    });
    const client = await dial(by);
    await arrived;
    return { client, peer: accepted.at(-1) as End };
  }

  /** Resolves when bytes have gone there and back several times by another proxy: whatever was to come is there. */
  async function otherTraffic(): Promise<void> {
    await using other = await startProxy({ target: (server.address() as AddressInfo).port });
    const { client, peer } = await connect(other);
    for (let i = 1; i <= 10; i += 1) {
      client.socket.write('x');
      await peer.until(() => peer.heard.length === i);
      peer.socket.write('x');
      await client.until(() => client.heard.length === i);
    }
  }

  it('carries bytes both ways, and ends', async () => {
    const { client, peer } = await connect();
    client.socket.write('question');
    await peer.untilHeard('question');
    peer.socket.write('answer');
    await client.untilHeard('answer');
    expect([proxy.connections, proxy.accepted, proxy.url]).to.deep.equal([1, 1, `nats://127.0.0.1:${proxy.port}`]);

    client.socket.end('the last word');
    await peer.until(() => peer.events.includes('end'));
    expect(peer.heard).to.equal('questionthe last word');
    peer.socket.end('and one more');
    await client.untilClosed();
    expect([client.heard, client.events]).to.deep.equal(['answerand one more', ['end', 'close']]);
    await peer.untilClosed();
  });

  it('passes an error on', async () => {
    const { client, peer } = await connect();
    peer.socket.resetAndDestroy();
    await client.untilClosed();
    expect(client.events).to.deep.equal(['ECONNRESET', 'close']);
  });

  it('ends connections while there is no server', async () => {
    server.close();
    await once(server, 'close');
    const client = await dial();
    await client.untilClosed();
    expect(client.events).to.deep.equal(['ECONNRESET', 'close']);
  });

  it('stops, and leaves nothing', async () => {
    const { client, peer } = await connect();
    await proxy.stop();
    await proxy.stop();
    await Promise.all([client.untilClosed(), peer.untilClosed()]);
    const [error] = await once(createConnection(proxy.port, '127.0.0.1'), 'error');
    expect(error).to.have.property('code', 'ECONNREFUSED');
  });

  it('cuts what is there and what comes, until it passes', async () => {
    const { client, peer } = await connect();
    proxy.cut();
    await Promise.all([client.untilClosed(), peer.untilClosed()]);
    expect([client.events, peer.events]).to.deep.equal([
      ['ECONNRESET', 'close'],
      ['ECONNRESET', 'close'],
    ]);
    const refused = await dial();
    await refused.untilClosed();
    expect([refused.events, accepted.length, proxy.connections]).to.deep.equal([['ECONNRESET', 'close'], 1, 0]);

    proxy.pass();
    const again = await connect();
    again.client.socket.write('hello');
    await again.peer.untilHeard('hello');
  });

  it('cuts once', async () => {
    const { client } = await connect();
    proxy.cut({ once: true });
    await client.untilClosed();
    const again = await connect();
    again.client.socket.write('hello');
    await again.peer.untilHeard('hello');
    expect([proxy.connections, proxy.accepted]).to.deep.equal([1, 2]);
  });

  it('swallows both ways in a partition, and loses nothing of it', async () => {
    const { client, peer } = await connect();
    proxy.blackhole();
    client.socket.write('up');
    peer.socket.write('down');
    await otherTraffic();
    expect([peer.heard, client.heard]).to.deep.equal(['', '']);

    proxy.pass();
    await Promise.all([peer.untilHeard('up'), client.untilHeard('down')]);
  });

  it('swallows one way', async () => {
    const { client, peer } = await connect();
    proxy.blackhole('to-server');
    client.socket.write('up');
    peer.socket.write('down');
    await client.untilHeard('down');
    expect(peer.heard).to.equal('');

    proxy.blackhole('to-client');
    await peer.untilHeard('up');
    peer.socket.write('more');
    client.socket.write('again');
    await peer.untilHeard('again');
    expect(client.heard).to.equal('down');
  });

  it('accepts in silence what is dialled during a partition', async () => {
    proxy.blackhole();
    const client = await dial();
    const impatient = await dial();
    client.socket.write('anybody?');
    impatient.socket.end();
    await impatient.untilClosed();
    expect(accepted).to.deep.equal([]);

    const arrived = new Promise<void>((resolve) => {
      arrival = resolve;
    });
    proxy.pass();
    await arrived;
    await (accepted[0] as End).untilHeard('anybody?');
    expect([accepted.length, client.events]).to.deep.equal([1, []]);
  });

  it('tells nobody of an end in a partition before it is over', async () => {
    const { client, peer } = await connect();
    proxy.blackhole();
    client.socket.write('last words');
    client.socket.destroy();
    await otherTraffic();
    expect(peer.events).to.deep.equal([]);

    proxy.pass();
    await peer.until(() => peer.events.length > 0);
    expect([peer.heard, peer.events[0]]).to.deep.equal(['last words', 'end']);
  });

  it('holds a bounded amount in a partition, and then holds up whoever sends', async () => {
    const { client, peer } = await connect();
    proxy.blackhole();
    const megabytes = 32;
    const load = Buffer.alloc(megabytes * 1024 * 1024, 'x');
    client.socket.write(load);
    // As much goes another way, by which time this would have come as far.
    await using other = await startProxy({ target: (server.address() as AddressInfo).port });
    const witness = await connect(other);
    witness.client.socket.write(load);
    await witness.peer.until(() => witness.peer.heard.length === load.length);
    // What the kernel keeps for two sockets is less than half of it.
    expect(client.socket.writableLength).to.be.above(load.length / 2);
    expect(peer.heard).to.equal('');

    proxy.pass();
    await peer.until(() => peer.heard.length === load.length);
  });

  it('delays all bytes, in order', async () => {
    const { client, peer } = await connect();
    proxy.delay(30, 30);
    const started = performance.now();
    let sent = '';
    for (let i = 0; i < 50; i += 1) {
      client.socket.write(`${i},`);
      sent += `${i},`;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await peer.until(() => peer.heard.length === sent.length);
    expect(peer.heard).to.equal(sent);

    proxy.delay(40);
    peer.socket.write('answer');
    const asked = performance.now();
    await client.untilHeard('answer');
    expect(performance.now() - asked).to.be.at.least(39);
    expect(performance.now() - started).to.be.at.least(39);
  });

  it('passes at once what was delayed when the line heals', async () => {
    const { client, peer } = await connect();
    proxy.delay(60_000);
    client.socket.write('late');
    await otherTraffic();
    expect(peer.heard).to.equal('');
    proxy.pass();
    await peer.untilHeard('late');
    client.socket.write(' and soon');
    await peer.untilHeard('late and soon');
  });

  it('drips', async () => {
    const { client, peer } = await connect();
    proxy.drip(10_000);
    const started = performance.now();
    client.socket.write('x'.repeat(1_000));
    await peer.until(() => peer.heard.length > 0);
    expect(peer.heard.length).to.be.below(1_000);
    await peer.until(() => peer.heard.length === 1_000);
    // The first 20 ms are free, and the last bytes need no time behind them.
    expect(performance.now() - started).to.be.at.least(60);

    client.socket.write('y'.repeat(1_000_000));
    proxy.pass();
    await peer.until(() => peer.heard.length === 1_001_000);
  });

  it('closes one way', async () => {
    const { client, peer } = await connect();
    proxy.halfClose('to-client');
    await client.until(() => client.events.includes('end'));
    client.socket.write('still there');
    await peer.untilHeard('still there');
    peer.socket.write('unheard');
    await otherTraffic();
    expect([client.heard, client.events, peer.events]).to.deep.equal(['', ['end'], []]);

    client.socket.end();
    peer.socket.end();
    await Promise.all([client.untilClosed(), peer.untilClosed()]);
  });

  it('injects bytes into all connections', async () => {
    const one = await connect();
    const two = await connect();
    expect(proxy.inject('-ERR', 'to-client')).to.equal(2);
    expect(proxy.inject(new Uint8Array([65]), 'to-server')).to.equal(2);
    await Promise.all([one, two].flatMap(({ client, peer }) => [client.untilHeard('-ERR'), peer.untilHeard('A')]));
  });

  it('leads where a URL leads, and keeps its user', async () => {
    const { port } = server.address() as AddressInfo;
    const other = await startProxy({ target: `nats://ana:s%20t@localhost:${port}` });
    expect(other.url).to.equal(`nats://ana:s%20t@127.0.0.1:${other.port}`);
    expect(other.seed).to.match(/./);
    await other.stop();
  });

  it('refuses what makes no sense', async () => {
    const refusal = (target: unknown) =>
      startProxy({ target: target as number }).then(
        () => 'none',
        ({ message }: TypeError) => message,
      );
    expect(await refusal(0)).to.equal('target is 0: no port.');
    expect(await refusal('localhost')).to.contain('neither a port nor a URL');
    expect(await refusal(undefined)).to.contain('neither a port nor a URL');
    expect(() => proxy.blackhole('up' as 'both')).to.throw(
      TypeError,
      '"up" is no direction: there are to-server, to-client, both.',
    );
    expect(() => proxy.halfClose('both' as 'to-client')).to.throw(TypeError, '"both" is no direction');
    expect(() => proxy.inject('', 'client' as 'to-client')).to.throw(TypeError, 'is no direction');
    expect(() => proxy.delay(-1)).to.throw(RangeError, 'delay is -1');
    expect(() => proxy.delay(1, Number.NaN)).to.throw(RangeError, 'jitter is NaN');
    expect(() => proxy.drip(0)).to.throw(RangeError, 'bytesPerSecond is 0');
    for (const pattern of ['', 'a..b', 'a.>.b', 'a b', undefined]) {
      expect(() => proxy.drop(pattern as string), `${pattern}`).to.throw(TypeError, 'is no pattern of subjects');
    }
    expect(() => proxy.drop('a', { which: 2 })).to.throw(RangeError, 'a probability lies between 0 and 1');
    expect(() => proxy.drop('a', { on: 'both' as 'to-client' })).to.throw(TypeError, 'is no direction');
  });
});
