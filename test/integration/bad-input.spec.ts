import type { Transport, TransportEvent } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { rawClient } from './support/raw-client.js';
import { bytes, record, text } from './support/recorder.js';

describe('bad input over a real server', () => {
  let server: NatsServer;
  let transport: Transport;
  let statuses: TransportEvent[];

  before(async () => {
    server = await startNatsServer({ configuration: 'max_payload: 1000' });
  });
  beforeEach(async () => {
    statuses = [];
    transport = await connectNats({ servers: server.url });
    transport.watch((event) => statuses.push(event));
  });
  afterEach(() => transport.close());
  after(() => server.stop());

  const reasonOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'none',
      ({ reason }: { reason: string }) => reason,
    );

  it('from outside costs the message that holds it and no other', async () => {
    const received = await record(transport, { pattern: 'in.*' });
    const other = await record(transport, { topic: 'other' });
    const raw = await rawClient(server.port);

    await raw.publish('in.a', 'before');
    await raw.publish('in.a', 'bad name', { headers: 'NATS/1.0\r\nBad Name: x\r\n\r\n' });
    await raw.publish('in.a', 'no block', { headers: '\u00ff\u00fe' });
    await raw.publish('in.%zz', 'no topic');
    await raw.publish('in.caf\u00e9', 'no ASCII');
    await raw.publish('in.a', 'twice', { headers: 'NATS/1.0\r\nA: 1\r\nA: 2\r\n\r\n' });
    await raw.publish('other', 'after');
    raw.close();

    expect((await received.stop()).map((message) => [text(message), message.headers.get('A')])).to.deep.equal([
      ['before', undefined],
      ['twice', '1'],
    ]);
    expect((await other.stop()).map(text)).to.deep.equal(['after']);
    expect(
      statuses.map((status) => (status.kind === 'bad-message' ? [status.count, status.error.reason] : status)),
    ).to.deep.equal([
      [1, 'TERABUS_MESSAGE_BAD'],
      [2, 'TERABUS_MESSAGE_BAD'],
      [3, 'TERABUS_SUBJECT_INVALID'],
      [4, 'TERABUS_SUBJECT_INVALID'],
    ]);
  });

  it('is none where the subject is nobody’s topic: a listener to everything leaves it alone', async () => {
    const everything = await record(transport, { pattern: '>' });
    const raw = await rawClient(server.port);
    for (const subject of ['_REPLY.a.b.1', '_INBOX.a', '$X.y', '@other.news', 'news']) await raw.publish(subject, 'x');
    raw.close();

    expect((await everything.stop()).map(({ topic }) => topic)).to.deep.equal(['news']);
    expect(statuses).to.deep.equal([]);
  });

  it('from inside is refused before it is sent', async () => {
    const everything = await record(transport, { pattern: '>' });
    const nothing = bytes('');
    const publish = (topic: string, size: number, headers?: [string, string][]) =>
      reasonOf(transport.publish({ topic, bytes: new Uint8Array(size), headers: headers && new Map(headers) }));
    const subscribe = (pattern: string, group?: string) =>
      reasonOf(transport.subscribe(pattern, { group }, () => {}).then((subscription) => subscription.drain()));

    expect({
      half: await publish('\ud800', 0),
      empty: await publish('', 0),
      large: await publish('a', 1_001),
      largeWithHeaders: await publish('a', 980, [['A', 'more than eight']]),
      headerName: await publish('a', 0, [['A B', 'x']]),
      headerValue: await publish('a', 0, [['A', 'x\r\nB: y']]),
      pattern: await subscribe('a b'),
      injection: await subscribe('a 1\r\nSUB > 2'),
      inbox: await subscribe('_INBOX.>'),
      group: await subscribe('a', ''),
      reply: await reasonOf(transport.respond('a 0\r\n\r\nPUB evil', nothing)),
    }).to.deep.equal({
      half: 'TERABUS_TOPIC_INVALID',
      empty: 'TERABUS_TOPIC_INVALID',
      large: 'TERABUS_PAYLOAD_TOO_LARGE',
      largeWithHeaders: 'TERABUS_PAYLOAD_TOO_LARGE',
      headerName: 'TERABUS_HEADER_INVALID',
      headerValue: 'TERABUS_HEADER_INVALID',
      pattern: 'TERABUS_PATTERN_INVALID',
      injection: 'TERABUS_PATTERN_INVALID',
      inbox: 'TERABUS_PATTERN_INVALID',
      group: 'TERABUS_GROUP_INVALID',
      reply: 'TERABUS_REPLY_REFUSED',
    });
    expect(await publish('a', 1_000)).to.equal('none');
    expect(await subscribe('a', 'a group\r\nSUB > 1')).to.equal('none');
    await transport.flush();
    expect((await everything.stop()).map(({ topic, bytes: { length } }) => [topic, length])).to.deep.equal([
      ['a', 1_000],
    ]);
    expect(statuses).to.deep.equal([]);
  });

  it('says the size and the limit of what is too large', async () => {
    const error = await transport
      .publish({ topic: 'a.b', bytes: new Uint8Array(1_500) })
      .catch((reason: Error) => reason);
    expect(error).to.have.property('message').that.contains('1500').and.contains('1000').and.contains('a.b');
  });

  it('a receiver that throws is reported and goes on receiving', async () => {
    const received: string[] = [];
    const subscription = await transport.subscribe('a', {}, (message) => {
      received.push(text(message));
      throw new Error('on purpose');
    });
    for (const content of ['1', '2']) await transport.publish({ topic: 'a', bytes: bytes(content) });
    await transport.flush();
    await subscription.drain();
    expect(received).to.deep.equal(['1', '2']);
    expect(statuses.map((status) => status.kind === 'error' && status.error.rawMessage)).to.deep.equal([
      'on purpose',
      'on purpose',
    ]);
  });

  it('a listener of events that throws harms nobody', async () => {
    const fragile = await connectNats({ servers: server.url });
    fragile.watch(() => {
      throw new Error('on purpose');
    });
    const subscription = await fragile.subscribe('a', {}, () => {
      throw new Error('reported');
    });
    await transport.publish({ topic: 'a', bytes: bytes('') });
    await transport.flush();
    await subscription.drain();
    await fragile.flush();
    await fragile.close();
    expect(await fragile.closed).to.equal(undefined);
  });
});
