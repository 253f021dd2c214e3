import type { BusError, Transport } from '@terabus/core/transport';
import { connectNats, type NatsOptions } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { watching } from './support/events.js';
import { eventually } from './support/eventually.js';
import { Program } from './support/program.js';
import { proxyTo } from './support/proxy.js';
import { bytes, record, text } from './support/recorder.js';

const TOPIC = 'a';

describe('publishing over a real server', () => {
  let server: NatsServer;
  let proxy: Awaited<ReturnType<typeof proxyTo>>;
  let transport: Transport;
  let witness: Transport;
  let seen: ReturnType<typeof watching>;

  beforeEach(async () => {
    server = await startNatsServer();
    proxy = await proxyTo(server.port);
    witness = await connectNats({ servers: server.url });
  });
  afterEach(async () => {
    await Promise.all([transport.close(), witness.close()]);
    await proxy[Symbol.asyncDispose]();
    await server.stop();
  });

  async function connect(options: NatsOptions = {}) {
    transport = await connectNats({ servers: proxy.url, closeTimeoutMs: 100, ...options });
    seen = watching(transport);
    // The first message on a subject waits for the server; what follows does not.
    await transport.publish({ topic: TOPIC, bytes: bytes('first') });
  }

  /** Publishes and tells what became of it: a reason of a rejection, of a late report behind `late `, or nothing. */
  function publish(content: string, confirm = false) {
    const fate = { content, resolved: false, says: '' };
    const onUnconfirmed = ({ reason }: BusError) => {
      fate.says = `${fate.resolved ? 'late' : 'EARLY'} ${reason}`;
    };
    const done = transport.publish({ topic: TOPIC, bytes: bytes(content), onUnconfirmed }, { confirm }).then(
      () => {
        fate.resolved = true;
      },
      ({ reason }) => {
        fate.says += reason;
      },
    );
    return { fate, done };
  }

  const cutOff = async () => {
    proxy.accept(false);
    proxy.cut();
    await eventually(() => void expect(transport.health().state).to.equal('down'));
  };

  const restore = async () => {
    proxy.accept(true);
    await seen.first('reconnected');
  };

  it('accounts for every message: delivered, rejected, or reported with its link', async () => {
    await connect({ publishBuffer: { maxBytes: 20_000 } });
    const received = await record(witness, { topic: TOPIC });
    const published: ReturnType<typeof publish>[] = [];
    let n = 0;
    const some = async (count: number) => {
      for (let i = 0; i < count; i += 1) {
        n += 1;
        published.push(publish(`${n}`));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await some(200);
    proxy.makeDeaf('server');
    await some(200);
    await cutOff();
    await some(400);
    proxy.makeDeaf(undefined);
    await restore();
    await some(200);
    await transport.flush();
    await Promise.all(published.map(({ done }) => done));

    const delivered = new Set((await received.stop()).map(text));
    const fates = published.map(({ fate }) => fate);
    const unconfirmed = fates.filter(({ says }) => says === 'late TERABUS_UNCONFIRMED');
    const rejected = fates.filter(({ resolved }) => !resolved);
    expect(fates.filter(({ says }) => says.includes('EARLY'))).to.deep.equal([]);
    // None is silent: what nobody was told about has arrived, and what was rejected has not.
    expect(fates.filter(({ says, content }) => says === '' && !delivered.has(content))).to.deep.equal([]);
    expect(rejected.filter(({ content }) => delivered.has(content))).to.deep.equal([]);
    expect(unconfirmed).to.have.length.of.at.least(200);
    expect(rejected.map(({ says }) => says)).to.include('TERABUS_OVERLOADED');
    expect(seen.of('disconnected').map((event) => event.unconfirmed)).to.deep.equal([unconfirmed.length]);
  });

  it('is confirmed when the server has it, and rejected when nobody knows', async () => {
    await connect();
    const received = await record(witness, { topic: TOPIC });
    const confirmed = publish('yes', true);
    await confirmed.done;
    expect((await received.stop()).map(text)).to.deep.equal(['yes']);

    proxy.makeDeaf('client');
    const unknown = publish('who knows', true);
    proxy.cut();
    await unknown.done;
    expect([confirmed.fate.says, unknown.fate.says]).to.deep.equal(['', 'TERABUS_UNCONFIRMED']);
    proxy.makeDeaf(undefined);
  });

  it('keeps its order over a link that was down, and waits for the next one', async () => {
    await connect();
    const received = await record(witness, { topic: TOPIC });
    await cutOff();
    const published = Array.from({ length: 100 }, (_, i) => publish(`${i}`));
    expect(transport.health().waiting).to.deep.equal({ messages: 100, bytes: 190 });
    await restore();
    const later = Array.from({ length: 100 }, (_, i) => publish(`${100 + i}`));
    await Promise.all([...published, ...later].map(({ done }) => done));
    await transport.flush();
    expect((await received.stop()).map(text)).to.deep.equal(Array.from({ length: 200 }, (_, i) => `${i}`));
    expect(transport.health().waiting.messages).to.equal(0);
  });

  it('waits for no longer than it may, and not at all where it must not', async () => {
    await connect({ publishBuffer: { maxWaitMs: 30 } });
    const strict = await connectNats({ servers: proxy.url, publishBuffer: false });
    await cutOff();
    const late = publish('late');
    await eventually(() => void expect(strict.health().state).to.equal('down'));
    const refused = await strict.publish({ topic: TOPIC, bytes: bytes('') }).catch(({ reason }) => reason);
    expect(refused).to.equal('TERABUS_DISCONNECTED');
    await late.done;
    expect(late.fate.says).to.equal('TERABUS_DISCONNECTED');
    await strict.close();
  });

  it('waits when the server does not keep up, is refused when too much waits, and goes on in order', async () => {
    await connect({ maxUnconfirmedBytes: 8_000, publishBuffer: { maxBytes: 26_000 } });
    const received = await record(witness, { topic: TOPIC });
    const published = Array.from({ length: 40 }, (_, i) => publish(`${i} ${'x'.repeat(100)}`));
    const { unconfirmed, waiting } = transport.health();
    expect([unconfirmed.messages, waiting.messages]).to.deep.equal([14, 12]);
    await Promise.all(published.map(({ done }) => done));
    await transport.flush();

    const numbers = (await received.stop()).map((message) => Number.parseInt(text(message), 10));
    expect(numbers).to.deep.equal(Array.from({ length: 26 }, (_, i) => i));
    expect(published.slice(26).map(({ fate }) => fate.says)).to.deep.equal(Array(14).fill('TERABUS_OVERLOADED'));
  });

  it('leaves requests their way while publishes wait', async () => {
    await connect({ maxUnconfirmedBytes: 2_000 });
    await witness.subscribe('ask', {}, ({ replyTo = '' }) => void witness.respond(replyTo, bytes('answer')));
    const published = Array.from({ length: 40 }, (_, i) => publish(`${i} ${'x'.repeat(100)}`));
    const answer = await new Promise((resolve) => transport.request({ topic: 'ask', bytes: bytes('') }, resolve));
    expect(answer).to.have.property('bytes').that.deep.equals(bytes('answer'));
    await Promise.all(published.map(({ done }) => done));
  });

  it('gives what waits its chance when it is closed, and then an end', async () => {
    await connect({ closeTimeoutMs: 2_000 });
    const received = await record(witness, { topic: TOPIC });
    await cutOff();
    const waited = publish('waited');
    const closed = transport.close();
    proxy.accept(true);
    await Promise.all([waited.done, closed]);
    await witness.flush();
    expect([(await received.stop()).map(text), waited.fate.says]).to.deep.equal([['waited'], '']);

    await connect({ closeTimeoutMs: 50 });
    await cutOff();
    const lost = publish('lost');
    await transport.close();
    await lost.done;
    expect(lost.fate.says).to.equal('TERABUS_CLOSED');
  });

  it('reports what a server that hangs may never have taken, also when it is closed', async () => {
    await connect({ closeTimeoutMs: 50 });
    await server.pause();
    const published = [publish('1'), publish('2', true)];
    await published[0]?.done;
    await transport.close();
    await published[1]?.done;
    expect(published.map(({ fate }) => fate.says)).to.deep.equal(['late TERABUS_UNCONFIRMED', 'TERABUS_UNCONFIRMED']);
  });

  it('takes no more memory than it says when the server hangs', async () => {
    transport = await connectNats({ servers: server.url });
    const flood = new Program('flood.js', [server.url, `${server.pid}`], {});
    expect(await flood.ended(), flood.output).to.equal(0);
    const { grownMb, offeredMb } = JSON.parse(flood.output) as { grownMb: number; offeredMb: number };
    expect(offeredMb).to.equal(200);
    expect(grownMb).to.be.lessThan(32);
  });
});
