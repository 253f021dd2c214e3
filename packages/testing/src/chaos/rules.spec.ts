import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { ChaosProxy } from './proxy.js';
import { startProxy } from './start-proxy.js';

const pub = (text: string, subject = 'a') => `PUB ${subject} ${text.length}\r\n${text}\r\n`;
const pubs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => pub(`${from + i}`)).join('');
const text = ({ payload }: { payload: Uint8Array }) => Buffer.from(payload).toString();
/** The payloads of what was published, and all other lines. */
const lines = (protocol: string) =>
  protocol.split('\r\n').filter((line) => line !== '' && !/^(H?PUB|H?MSG) /.test(line));

describe('the rules of a proxy', () => {
  let server: Server;
  let proxy: ChaosProxy;
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await startProxy({ target: (server.address() as AddressInfo).port, seed: 1 });
  });

  afterEach(async () => {
    await proxy.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  async function connect(): Promise<readonly [client: Socket, peer: Socket]> {
    const arrived = once(server, 'connection') as Promise<Socket[]>;
    const client = createConnection(proxy.port, '127.0.0.1');
    const [peer] = (await arrived) as [Socket];
    sockets.push(client, peer);
    for (const socket of [client, peer]) socket.setEncoding('latin1').on('error', () => undefined);
    return [client, peer];
  }

  /** What comes out of `to` when `protocol` goes into `from`: up to a last line. */
  async function through(from: Socket, to: Socket, protocol: string): Promise<string[]> {
    let heard = '';
    from.write(`${protocol}PING\r\n`);
    while (!heard.endsWith('PING\r\n')) heard += (await once(to, 'data'))[0];
    return lines(heard.slice(0, -'PING\r\n'.length));
  }

  it('drop what a test chooses, and say what', async () => {
    const [client, peer] = await connect();
    const rule = proxy.drop('a', { which: ({ n }) => n % 3 === 0, id: text });
    expect(await through(client, peer, `${pubs(1, 7)}${pub('other', 'b')}`)).to.deep.equal([
      '1',
      '2',
      '4',
      '5',
      '7',
      'other',
    ]);
    expect(rule.hits).to.deep.equal([
      { n: 3, subject: 'a', id: '3' },
      { n: 6, subject: 'a', id: '6' },
    ]);
    expect([rule.matched, rule.action, rule.pattern]).to.deep.equal([7, 'drop', 'a']);

    rule.remove();
    rule.remove();
    expect(await through(client, peer, pubs(8, 9))).to.deep.equal(['8', '9']);
    expect(rule.matched).to.equal(7);
  });

  it('duplicate messages as they are', async () => {
    const [client, peer] = await connect();
    const rule = proxy.duplicate('a.*', { which: ({ subject }) => subject === 'a.2' });
    const protocol = `${pub('1', 'a.1')}HPUB a.2 reply 12 14\r\nNATS/1.0\r\n\r\nhi\r\n${pub('3', 'a.3')}`;
    expect(await through(client, peer, protocol)).to.deep.equal(['1', 'NATS/1.0', 'hi', 'NATS/1.0', 'hi', '3']);
    expect(rule.hits).to.deep.equal([{ n: 2, subject: 'a.2' }]);
  });

  it('swap a message with the next one of theirs', async () => {
    const [client, peer] = await connect();
    const rule = proxy.swap('a', { which: ({ n }) => n === 2 || n === 3 || n === 5, id: text });
    expect(await through(client, peer, `${pubs(1, 2)}${pub('other', 'b')}${pubs(3, 6)}`)).to.deep.equal([
      '1',
      'other',
      '3',
      '2',
      '4',
      '6',
      '5',
    ]);
    expect(rule.hits).to.deep.equal([
      { n: 2, subject: 'a', id: '2', with: { n: 3, subject: 'a', id: '3' } },
      { n: 5, subject: 'a', id: '5', with: { n: 6, subject: 'a', id: '6' } },
    ]);
  });

  it('swap messages of one connection only', async () => {
    const [one, two] = [await connect(), await connect()];
    proxy.swap('a', { which: ({ n }) => n === 1 });
    expect(await through(...one, pub('held'))).to.deep.equal([]);
    expect(await through(...two, pub('another'))).to.deep.equal(['another']);
    expect(await through(...one, pub('next'))).to.deep.equal(['next', 'held']);
  });

  it('let go what waits when they are removed, as the rules behind them want it', async () => {
    const [client, peer] = await connect();
    const rule = proxy.swap('a');
    const behind = proxy.duplicate('a');
    expect(await through(client, peer, pub('1'))).to.deep.equal([]);
    rule.remove();
    expect(await through(client, peer, '')).to.deep.equal(['1', '1']);
    expect([rule.hits, behind.hits]).to.deep.equal([[], [{ n: 1, subject: 'a' }]]);
  });

  it('let go what waits when the connection ends', async () => {
    const [client, peer] = await connect();
    proxy.swap('a');
    let heard = '';
    peer.on('data', (chunk) => {
      heard += chunk;
    });
    client.end(`${pub('1')}PUB a 9\r\nunfin`);
    await once(peer, 'end');
    expect(lines(heard)).to.deep.equal(['1', 'unfin']);
  });

  it('see what those before them have left', async () => {
    const [client, peer] = await connect();
    const drop = proxy.drop('a', { which: ({ n }) => n === 1 });
    const double = proxy.duplicate('>');
    const count = proxy.drop('*', { which: () => false });
    expect(await through(client, peer, pubs(1, 3))).to.deep.equal(['2', '2', '3', '3']);
    expect([drop.matched, double.matched, count.matched]).to.deep.equal([3, 2, 4]);
  });

  it('look at what is delivered where they are told to', async () => {
    const [client, peer] = await connect();
    const delivered = proxy.drop('a', { on: 'to-client', which: ({ replyTo }) => replyTo === 'r' });
    const published = proxy.drop('a', { on: 'to-server', which: () => false });
    const protocol = 'MSG a 1 2\r\nhi\r\nMSG a 1 r 2\r\nho\r\nHMSG a 1 r 12 12\r\nNATS/1.0\r\n\r\n\r\n';
    expect(await through(peer, client, protocol)).to.deep.equal(['hi']);
    expect([delivered.matched, delivered.hits.length, published.matched]).to.deep.equal([3, 2, 0]);
  });

  it('take subjects that are nobody else’s business', async () => {
    const [client, peer] = await connect();
    proxy.drop('$JS.API.>');
    proxy.drop('_INBOX.*');
    expect(await through(client, peer, pub('1', '$JS.API.INFO') + pub('2', '_INBOX.x') + pub('3'))).to.deep.equal([
      '3',
    ]);
  });

  it('draw alike from one seed', async () => {
    const draw = async (seed: number) => {
      const other = await startProxy({ target: (server.address() as AddressInfo).port, seed });
      const rule = other.drop('a', { which: 0.3 });
      const before = proxy;
      proxy = other;
      const [client, peer] = await connect();
      proxy = before;
      const arrived = await through(client, peer, pubs(1, 200));
      await other.stop();
      const dropped = new Set(rule.hits.map(({ n }) => `${n}`));
      expect(arrived).to.deep.equal(Array.from({ length: 200 }, (_, i) => `${i + 1}`).filter((n) => !dropped.has(n)));
      return [...dropped];
    };
    const [first, again, another] = [await draw(5), await draw(5), await draw(6)];
    expect(first).to.have.length.within(40, 80);
    expect(again).to.deep.equal(first);
    expect(another).not.to.deep.equal(first);
  });

  it('leave what is injected alone, and in one piece', async () => {
    const [client, peer] = await connect();
    const rule = proxy.drop('b');
    client.write('PUB a 6\r\nhal');
    while (!`${(await once(peer, 'data'))[0]}`.includes('hal'));
    proxy.inject('PUB b 3\r\nown\r\n', 'to-server');
    expect(await through(client, peer, 'ves\r\n')).to.deep.equal(['ves', 'own']);
    expect(rule.matched).to.equal(0);
  });
});
