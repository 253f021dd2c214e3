import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { bytes, record, text } from './support/recorder.js';
import { strangeTopics } from './support/strange-topics.js';

const SEED = 20250101;

describe(`1,000 strange topics on a real server (seed ${SEED})`, () => {
  const topics = strangeTopics(1_000, SEED);
  let server: NatsServer;
  let transports: Transport[] = [];

  before(async () => {
    server = await startNatsServer();
  });
  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    transports = [];
  });
  after(() => server.stop());

  async function connect(namespace?: string): Promise<Transport> {
    const transport = await connectNats({ servers: server.url, namespace });
    transports.push(transport);
    return transport;
  }

  /** Publishes to each topic its own text, with `mark` in front. */
  async function publishAll(transport: Transport, mark: string): Promise<void> {
    for (const topic of topics) await transport.publish({ topic, bytes: bytes(`${mark}${topic}`) });
    await transport.flush();
  }

  it('are 1,000', () => {
    expect(topics).to.have.length(1_000);
  });

  it('each reach their own subscriber and nobody else', async () => {
    const sender = await connect();
    const receiver = await connect();
    const records = await Promise.all(topics.map((topic) => record(receiver, { topic })));
    const everything = await record(receiver, { pattern: '>' });
    const evil = await record(receiver, { topic: 'evil' });

    await publishAll(sender, '');

    const received = await Promise.all(records.map((one) => one.stop()));
    expect(received.map((messages) => messages.map((message) => [message.topic, text(message)]))).to.deep.equal(
      topics.map((topic) => [[topic, topic]]),
    );
    expect((await everything.stop()).map(({ topic }) => topic)).to.deep.equal(topics);
    expect(await evil.stop()).to.deep.equal([]);
  });

  it('of two namespaces and of none never meet', async () => {
    const connections = { red: await connect('red'), blue: await connect('blue'), none: await connect() };
    const records = await Promise.all(
      Object.values(connections).map(async (transport) => ({
        each: await Promise.all(topics.map((topic) => record(transport, { topic }))),
        everything: await record(transport, { pattern: '>' }),
      })),
    );

    for (const [name, transport] of Object.entries(connections)) await publishAll(transport, `${name} `);

    for (const [i, name] of Object.keys(connections).entries()) {
      const { each = [], everything } = records[i] ?? {};
      const expected = topics.map((topic) => `${name} ${topic}`);
      expect((await Promise.all(each.map((one) => one.stop()))).map((messages) => messages.map(text))).to.deep.equal(
        expected.map((content) => [content]),
      );
      expect((await everything?.stop())?.map(text)).to.deep.equal(expected);
    }
  });

  it('that are too long are refused, and the connection lives', async () => {
    const transport = await connect('prod');
    const topic = 'still.alive';
    const alive = await record(transport, { topic });

    const refusals = [];
    for (const length of [249, 250, 4_100, 100_000]) {
      const error = await transport.publish({ topic: 'x'.repeat(length), bytes: bytes('') }).then(
        () => undefined,
        (reason: { reason: string }) => reason.reason,
      );
      refusals.push([length, error]);
    }
    await transport.publish({ topic, bytes: bytes('yes') });
    await transport.flush();

    // 249 and `@prod.` make 255.
    expect(refusals).to.deep.equal([
      [249, undefined],
      [250, 'TERABUS_TOPIC_TOO_LONG'],
      [4_100, 'TERABUS_TOPIC_TOO_LONG'],
      [100_000, 'TERABUS_TOPIC_TOO_LONG'],
    ]);
    expect((await alive.stop()).map(text)).to.deep.equal(['yes']);
  });
});
