import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, Ledger, startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { rawClient } from './support/raw-client.js';
import { bytes, record, text } from './support/recorder.js';

describe('a proxy between clients and a real server', () => {
  let server: NatsServer;
  let proxy: ChaosProxy;
  let direct: Transport;
  let through: Transport;

  beforeEach(async () => {
    server = await startNatsServer();
    proxy = await startProxy({ target: server.url, seed: 1 });
    direct = await connectNats({ servers: server.url });
    through = await connectNats({ servers: proxy.url });
  });

  afterEach(async () => {
    proxy.pass();
    await Promise.all([direct.close(), through.close()]);
    await proxy.stop();
    await server.stop();
  });

  /** Publishes 1,000 messages and returns the numbers of those that came, in their order. */
  async function sendThousand(ledger: Ledger, from: Transport, to: Transport): Promise<number[]> {
    const received = await record(to, { topic: 'a' });
    for (let i = 0; i < 1_000; i += 1) {
      const id = ledger.attempt('p');
      // Neighbours that no rule is for, and headers.
      await from.publish({ topic: 'b', bytes: bytes('x') });
      await from.publish({
        topic: 'a',
        bytes: bytes(id),
        ...(i % 2 === 0 && { headers: new Map([['kind', 'even']]) }),
      });
      ledger.acknowledged(id);
    }
    await from.flush();
    const came = (await received.stop()).map(text);
    for (const id of came) ledger.seen(id);
    return came.map((id) => Number(id.slice(2)));
  }
  const idOf = ({ payload }: { payload: Uint8Array }) => Buffer.from(payload).toString();

  for (const on of ['to-server', 'to-client'] as const) {
    it(`drops, duplicates and swaps what its rules say, and nothing else (${on})`, async () => {
      const drop = proxy.drop('a', { on, which: 0.05, id: idOf });
      const double = proxy.duplicate('a', { on, which: 0.05, id: idOf });
      const ledger = new Ledger();
      const [from, to] = on === 'to-server' ? [through, direct] : [direct, through];
      await sendThousand(ledger, from, to);
      expect([...ledger.ids('lost')]).to.deep.equal(drop.hits.map(({ id }) => id));
      expect([...ledger.ids('duplicated')]).to.deep.equal(double.hits.map(({ id }) => id));
      expect([drop.matched, drop.hits.length > 0, double.hits.length > 0]).to.deep.equal([1_000, true, true]);
      drop.remove();
      double.remove();

      const swap = proxy.swap('a', { on, which: 0.05, id: idOf });
      const order = await sendThousand(new Ledger(), from, to);
      const expected = Array.from({ length: 1_000 }, (_, i) => i + 1);
      for (const { n } of swap.hits) [expected[n - 1], expected[n]] = [n + 1, n];
      expect(order).to.deep.equal(expected);
      expect(swap.hits).to.have.length.above(10);
    });
  }

  const breaks: Readonly<Record<string, () => void>> = {
    cut: () => proxy.cut({ once: true }),
    'half closed on the way to the client': () => proxy.halfClose('to-client'),
    'half closed on the way to the server': () => proxy.halfClose('to-server'),
    'broken by a line that makes no sense to the server': () => proxy.inject('NONSENSE\r\n', 'to-server'),
  };
  for (const [what, happens] of Object.entries(breaks)) {
    it(`lets clients come back when their connection is ${what}`, async () => {
      await through.flush();
      const received: string[] = [];
      await through.subscribe('a', {}, (message) => received.push(text(message)));
      happens();
      await eventually(async () => {
        await direct.publish({ topic: 'a', bytes: bytes('back') });
        expect(proxy.accepted).to.equal(2);
        expect(received).to.include('back');
      });
    });
  }

  it('loses nothing in a partition that ends soon', async () => {
    const received = await record(direct, { topic: 'a' });
    proxy.blackhole();
    for (let i = 0; i < 10; i += 1) await through.publish({ topic: 'a', bytes: bytes(`${i}`) });
    let isFlushed = false;
    const flushed = through.flush().then(() => {
      isFlushed = true;
    });
    await direct.flush();
    expect(isFlushed).to.equal(false);

    proxy.pass();
    await flushed;
    expect((await received.stop()).map(text)).to.deep.equal([...'0123456789']);
    expect(proxy.accepted).to.equal(1);
  });

  it('leads to the server again after its restart', async () => {
    await server.kill();
    await server.restart();
    const client = await rawClient(proxy.port);
    expect(await client.send('')).to.equal('PONG\r\n');
    client.close();
  });
});
