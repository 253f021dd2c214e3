import type { Inbound, Transport, TransportEvent } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { connect as connectPlain, type NatsConnection } from 'nats';
import { rawClient } from './support/raw-client.js';
import { answering, ask, bytes, record, text } from './support/recorder.js';

const TOPIC = 'service.clock.rpc';

describe('answers over a real server', () => {
  let server: NatsServer;
  let callee: Transport;
  let caller: Transport;
  let plain: NatsConnection;
  let statuses: TransportEvent[];
  let seen: { answered: number; unanswerable: number };

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  beforeEach(async () => {
    statuses = [];
    callee = await connectNats({ servers: server.url });
    callee.watch((event) => statuses.push(event));
    caller = await connectNats({ servers: server.url });
    plain = await connectPlain({ servers: server.url });
    seen = await answering(callee, TOPIC);
  });
  afterEach(() => Promise.all([callee.close(), caller.close(), plain.close()]));
  after(() => server.stop());

  it('reach a Terabus caller', async () => {
    expect(text((await ask(caller, TOPIC, 'what time')) as Inbound)).to.equal('answer to what time');
  });

  it('reach a plain NATS client on its inbox', async () => {
    const viaSharedInbox = await plain.request(TOPIC, 'plain');
    const viaOwnInbox = await plain.request(TOPIC, 'own', { noMux: true, timeout: 1_000 });
    expect([viaSharedInbox.string(), viaOwnInbox.string()]).to.deep.equal(['answer to plain', 'answer to own']);
  });

  it('do not reach a plain NATS client where that is switched off', async () => {
    const strict = await connectNats({ servers: server.url, replyTo: { inbox: false } });
    const strictlySeen = await answering(strict, 'strict');
    const inbox = plain.subscribe('_INBOX.>');
    await plain.flush();
    plain.publish('strict', 'x', { reply: '_INBOX.A1b2C3d4E5f6G7h8I9j0Kl' });
    await plain.flush();
    await strict.close();
    await inbox.drain();
    expect([strictlySeen, inbox.getReceived()]).to.deep.equal([{ answered: 0, unanswerable: 1 }, 0]);
  });

  it('never go to a place that a caller has no business to name', async () => {
    const jetstream = await plain.jetstreamManager();
    await jetstream.streams.add({ name: 'S', subjects: ['stored.>'] });
    const raw = await rawClient(server.port);
    const everything = plain.subscribe('>');
    await plain.flush();

    // Not `_R_.`: the server itself lets no client name that.
    const hostile = [
      '$JS.API.STREAM.DELETE.S',
      '$JS.API.STREAM.PURGE.S',
      '$SYS.REQ.SERVER.PING',
      TOPIC,
      'stored.forged',
      'module.TeraServer.UserManagerModule.events',
      '@prod.service.clock.rpc',
      '_INBOX.x',
      '_REPLY.a.b.c',
    ];
    for (const replyTo of hostile) await raw.publish(TOPIC, '', { replyTo });
    raw.close();

    const good = (await ask(caller, TOPIC, 'still there')) as Inbound;
    await callee.flush();
    await everything.drain();

    expect(text(good)).to.equal('answer to still there');
    expect(seen).to.deep.equal({ answered: 1, unanswerable: hostile.length });
    // The hostile requests themselves, the good one, its answer.
    expect(everything.getReceived()).to.equal(hostile.length + 2);
    expect((await jetstream.streams.info('S')).state.messages).to.equal(0);
    expect(statuses.map((status) => (status.kind === 'reply-refused' ? status.shape : status))).to.deep.equal([
      'system',
      'other',
      'inbox',
      'terabus',
    ]);
  });

  it('are refused by `respond` as well', async () => {
    const reasons = [];
    for (const replyTo of ['$JS.API.STREAM.DELETE.S', TOPIC, '_INBOX.x', '']) {
      reasons.push(await callee.respond(replyTo, bytes('')).catch(({ reason }) => reason));
    }
    expect(reasons).to.deep.equal(Array(4).fill('TERABUS_REPLY_REFUSED'));
  });

  it('stay in their namespace', async () => {
    const options = { servers: server.url, namespace: 'red' };
    const [red, otherRed] = [await connectNats(options), await connectNats(options)];
    await answering(red, TOPIC);
    const others = await record(caller, { pattern: '>' });
    const rawReplies = plain.subscribe('_REPLY.>');
    await plain.flush();

    expect(text((await ask(otherRed, TOPIC, 'red')) as Inbound)).to.equal('answer to red');

    await rawReplies.drain();
    expect([await others.stop(), rawReplies.getReceived()]).to.deep.equal([[], 0]);
    await Promise.all([red.close(), otherRed.close()]);
  });

  it('with headers that nobody can read fail that one request', async () => {
    const raw = await rawClient(server.port);
    const requests: Inbound[] = [];
    await callee.subscribe('broken', {}, (message) => requests.push(message));
    const asked = ask(caller, 'broken');
    await caller.flush();
    await callee.flush();
    await raw.publish(requests[0]?.replyTo ?? '', '', { headers: 'NATS/1.0\r\nBad Name: x\r\n\r\n' });

    expect(await asked).to.have.property('reason', 'TERABUS_MESSAGE_BAD');
    expect(text((await ask(caller, TOPIC, 'alive')) as Inbound)).to.equal('answer to alive');
    raw.close();
  });
});
