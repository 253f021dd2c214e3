import type { StoreMessage, Transport } from '@terabus/core/transport';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { connect } from 'nats';
import { eventually } from '../support/eventually.js';
import { bytes } from '../support/recorder.js';
import { reasonOf } from './consumed.js';
import { plan, stream } from './plans.js';

describe('storing in JetStream', () => {
  let server: NatsServer;
  let transport: Transport;
  let cases = 0;

  const message = (some: Partial<StoreMessage> = {}): StoreMessage => ({
    ...{ subject: 'ward.events.a', bytes: bytes('hello'), headers: new Map([['Colour', 'blue']]) },
    ...{ stream: stream().name, messageId: 'one' },
    ...some,
  });
  const store = (some: Partial<StoreMessage> = {}) => transport.streams.store(message(some), 5_000);
  const options = () => ({ servers: server.url, namespace: `case${cases}` });

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(async () => {
    cases += 1;
    transport = await connectNats(options());
  });
  afterEach(() => transport.close());

  it('resolves with the number that the stream gave, and knows a message by its id', async () => {
    await provision(plan(), options());
    expect(await store()).to.deep.equal({ stream: 'ward.events', sequence: 1, duplicate: false });
    expect(await store({ messageId: 'two' })).to.deep.equal({ stream: 'ward.events', sequence: 2, duplicate: false });
    expect(await store()).to.deep.equal({ stream: 'ward.events', sequence: 1, duplicate: true });
  });

  it('knows a message by its id, whatever its headers and its id say', async () => {
    await provision(plan(), options());
    for (const [name, value] of [
      ['Text', 'there was no Nats-Msg-Id'],
      ['Text', 'Nats-Msg-Id: two'],
      ['X-Nats-Msg-Id', 'two'],
    ] as const) {
      const named = { headers: new Map([[name, value]]), messageId: `${name} ${value}` };
      await store(named);
      expect(await store(named), `${name}: ${value}`).to.have.property('duplicate', true);
    }
  });

  it('keeps bytes and headers, and shows nothing of what is its own', async () => {
    await provision(plan(), options());
    await store();
    const {
      bytes: content,
      headers,
      subject,
      storedAt,
    } = (await transport.streams.read('ward.events', { lastOf: 'ward.events.a' })) ?? expect.fail();
    expect(Buffer.from(content).toString()).to.equal('hello');
    expect([...headers]).to.deep.equal([['Colour', 'blue']]);
    expect(subject).to.equal('ward.events.a');
    expect(Math.abs(storedAt - Date.now())).to.be.below(60_000);
  });

  it('keeps the order of what is stored without waiting', async () => {
    await provision(plan(), options());
    const stored = await Promise.all(Array.from({ length: 200 }, (_, i) => store({ messageId: `${i}` })));
    expect(stored.map(({ sequence }) => sequence)).to.deep.equal(Array.from({ length: 200 }, (_, i) => i + 1));
  });

  it('goes to the stream that is meant, whatever its headers and its id say', async () => {
    await provision(plan(), options());
    for (const some of [
      { headers: new Map([['Text', 'no Nats-Expected-Stream']]) },
      { messageId: 'Nats-Expected-Stream' },
    ])
      expect(await reasonOf(store({ ...some, stream: 'another' }))).to.equal('TERABUS_STREAM_MISMATCH');
    expect((await transport.streams.streamState('ward.events')).messages).to.equal(0);
  });

  it('is acknowledged at a place that nobody who was called knows', async () => {
    await provision(plan(), options());
    const plain = await connect({ servers: server.url });
    const places: string[] = [];
    for (const subject of ['a.call', 'ward.events.a']) {
      plain.subscribe(`@case${cases}.${subject}`, { callback: (_, { reply = '' }) => void places.push(reply) });
    }
    await plain.flush();
    transport.request({ topic: 'a.call', bytes: bytes('') }, () => {});
    await store();
    await eventually(() => void expect(places).to.have.length(2));
    await plain.close();
    const [called, stored] = places.map((place) => place.slice(0, place.lastIndexOf('.')));
    expect([called, stored]).to.satisfy((all: string[]) => all.every((place) => place?.includes('._REPLY.')));
    expect(stored).to.not.equal(called);
  });

  it('is told by a full stream', async () => {
    await provision(plan({ maxMessages: 2 }), options());
    await store();
    await store({ messageId: 'two' });
    expect(await reasonOf(store({ messageId: 'three' }))).to.equal('TERABUS_STREAM_FULL');
    expect((await transport.streams.streamState('ward.events')).messages).to.equal(2);
  });

  it('is told where the account has no room, which takes nothing from what is there', async () => {
    const account = 'accounts { A { jetstream { max_file: 20000 }, users [{ user: a, password: a }] } }';
    await using small = await startNatsServer({ jetstream: true, configuration: account });
    const credentials = { servers: small.url, user: 'a', password: 'a' };
    await provision(plan({ maxBytes: -1 }), credentials);
    const publisher = await connectNats(credentials);
    let stored = 0;
    for (let size = 400; size >= 0; size -= 4) {
      const reason = await reasonOf(
        publisher.streams.store(message({ messageId: `${size}`, bytes: new Uint8Array(size) }), 5_000),
      );
      if (reason === 'no rejection') stored += 1;
      else expect(reason).to.equal('TERABUS_STREAM_FULL');
    }
    expect(stored).to.be.lessThan(101);
    expect(await publisher.streams.streamState('ward.events')).to.include({ messages: stored, firstSequence: 1 });
    await publisher.close();
  });

  it('stores nothing in a stream that is not the one of the topic', async () => {
    await provision(plan(), options());
    expect(await reasonOf(store({ stream: 'other' }))).to.equal('TERABUS_STREAM_MISMATCH');
    expect((await transport.streams.streamState('ward.events')).messages).to.equal(0);
  });

  it('takes nobody for a stream who answers on its subject', async () => {
    await transport.subscribe('ward.events.a', {}, ({ replyTo }) => {
      if (replyTo) void transport.respond(replyTo, bytes('{"stream":"mine","seq":999}'));
    });
    expect(await reasonOf(store())).to.equal('TERABUS_STREAM_MISMATCH');
  });

  it('says that nobody stores, and may be tried again', async () => {
    const error = await store().catch((thrown: { reason: string; retryable: boolean }) => thrown);
    expect(error).to.include({ reason: 'TERABUS_STREAM_UNAVAILABLE', retryable: true });
  });

  it('does not know what a server that hangs has stored', async () => {
    await provision(plan(), options());
    await store();
    await server.pause();
    const unknown = reasonOf(transport.streams.store(message({ messageId: 'two' }), 100));
    expect(await unknown).to.equal('TERABUS_STORE_UNKNOWN');
    server.resume();
    expect(await store({ messageId: 'two' })).to.deep.equal({ stream: 'ward.events', sequence: 2, duplicate: true });
  });

  it('does not know what became of a message when its link is lost', async () => {
    await provision(plan(), options());
    await store();
    await server.pause();
    const unknown = reasonOf(transport.streams.store(message({ messageId: 'two' }), 60_000));
    await server.kill();
    expect(await unknown).to.equal('TERABUS_STORE_UNKNOWN');
    await server.restart();
  });

  it('refuses what can not be stored as it is', async () => {
    expect(await reasonOf(store({ messageId: 'a\r\nb' }))).to.equal('TERABUS_HEADER_INVALID');
    expect(await reasonOf(store({ messageId: '' }))).to.equal('TERABUS_HEADER_INVALID');
    expect(await reasonOf(store({ headers: new Map([['Nats-Rollup', 'all']]) }))).to.equal('TERABUS_HEADER_INVALID');
    expect(await reasonOf(store({ subject: 'ward.*' }))).to.equal('TERABUS_SUBJECT_INVALID');
    expect(await reasonOf(store({ subject: `ward.${'a'.repeat(255)}` }))).to.equal('TERABUS_TOPIC_TOO_LONG');
    expect(await reasonOf(store({ bytes: new Uint8Array(1_048_577) }))).to.equal('TERABUS_PAYLOAD_TOO_LARGE');
  });
});
