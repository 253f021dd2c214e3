import { defineModule, defineTopic } from '@terabus/core';
import { DeviceEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { Database, Query, TableNames } from './index.js';
import { SqlOutbox } from './index.js';
import { contextOf, FakeBus, fresh, rejection, until } from './support.spec.js';

const people = defineTopic('user.{uuid}.events', { wrapper: 'event', types: [UserEvent], durable: true });
const notes = defineTopic('notes', { wrapper: 'text', durable: true });
const blobs = defineTopic('blobs', { wrapper: 'bytes', durable: true });
const others = defineTopic('others', { wrapper: 'text', durable: true });
const Registry = defineModule('Test.Registry', { messages: { types: [UserEvent], durable: true } });

const user = (userFullname: string) => UserEvent.create({ userFullname });

/** Open to JavaScript's mistakes. */
type Open = Record<'publish' | 'publishAll' | 'send', (query: Query, ...args: readonly unknown[]) => Promise<string>>;

describe('SqlOutbox', () => {
  let database: Database;
  let names: TableNames;
  let outbox: SqlOutbox;
  beforeEach(async () => {
    ({ database, names } = await fresh());
    outbox = new SqlOutbox(database, {
      names,
      topics: [people, notes, blobs, Registry.messages],
      maxMessageBytes: 1_000,
    });
  });

  it('stores with the transaction, or not at all', async () => {
    await outbox.transaction((query) => outbox.publish(query, notes, 'kept'));
    const failing = outbox.transaction(async (query) => {
      await outbox.publish(query, notes, 'gone');
      throw new Error('no');
    });
    await failing.catch(() => undefined);
    expect(await outbox.state()).to.include({ waiting: 1, failed: 0 });
  });

  it('gives what was stored to the bus: whole, with its id, headers and trace, asking for confirmation', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const context = contextOf('h', { traceparent, tracestate: ' bad', other: 'stays here' });
    const ids = await outbox.transaction(async (query) => [
      await outbox.publish(query, people({ uuid: 'ü' }), user('Ana'), { headers: { tenant: 'é' }, context }),
      await outbox.publishAll(query, people({ uuid: 'u' }), [user('Bea'), user('Cem')]),
      await outbox.publish(query, notes, 'ça va?'),
      await outbox.publish(query, blobs, new Uint8Array([0, 255])),
      await outbox.send(query, Registry.messages, user('Dan')),
    ]);
    const bus = new FakeBus();
    const relay = outbox.relay({ bus });
    await until(() => bus.sent.length === 5);
    await relay.stop();
    const plain = bus.sent.map(({ payload, ...rest }) => ({
      ...rest,
      payload: payload instanceof Uint8Array ? [...payload] : payload,
    }));
    const headers = {};
    expect(plain).to.deep.equal([
      {
        kind: 'publishAll',
        topic: 'user.ü.events',
        payload: [user('Ana')],
        messageId: ids[0],
        headers: { traceparent, tenant: 'é' },
      },
      { kind: 'publishAll', topic: 'user.u.events', payload: [user('Bea'), user('Cem')], messageId: ids[1], headers },
      { kind: 'publish', topic: 'notes', payload: 'ça va?', messageId: ids[2], headers },
      { kind: 'publish', topic: 'blobs', payload: [0, 255], messageId: ids[3], headers },
      { kind: 'send', topic: 'module.Test.Registry.messages', payload: user('Dan'), messageId: ids[4], headers },
    ]);
    expect(new Set(ids).size).to.equal(5);
    expect(ids.every((id) => /^[0-9A-HJKMNP-TV-Z]{26}$/.test(id))).to.equal(true);
  });

  const topic = people({ uuid: 'u' });
  const impostor = defineTopic('notes', { wrapper: 'bytes', durable: true });
  const refused: readonly [string, keyof Open, readonly unknown[], string][] = [
    ['a topic that it was not told of', 'publish', [others, 'x'], 'TERABUS_NOT_DECLARED'],
    ['another topic of the same name', 'publish', [impostor, new Uint8Array()], 'TERABUS_CONTRACT_MISMATCH'],
    ['a mailbox to publish to', 'publish', [Registry.messages, user('A')], 'TERABUS_TOPIC_INVALID'],
    ['a topic of events to send to', 'send', [topic, user('A')], 'TERABUS_TOPIC_INVALID'],
    ['what is no topic', 'publish', ['notes', 'x'], 'TERABUS_TOPIC_INVALID'],
    ['a family without its parameters', 'publish', [people, user('A')], 'TERABUS_TOPIC_INVALID'],
    ['a topic that is too long', 'publish', [people({ uuid: 'u'.repeat(300) }), user('A')], 'TERABUS_TOPIC_TOO_LONG'],
    ['a type that the topic does not carry', 'publish', [topic, DeviceEvent.create()], 'TERABUS_TYPE_NOT_CARRIED'],
    ['nothing', 'publish', [topic, undefined], 'TERABUS_TYPE_NOT_CARRIED'],
    ['no messages', 'publishAll', [topic, []], 'TERABUS_TYPE_NOT_CARRIED'],
    ['half a character', 'publish', [notes, '\ud800'], 'TERABUS_TYPE_NOT_CARRIED'],
    ['text as bytes', 'publish', [blobs, 'x'], 'TERABUS_TYPE_NOT_CARRIED'],
    ['a field of another type', 'publish', [topic, { ...user('A'), userUuid: 3 }], 'TERABUS_MESSAGE_INVALID'],
    ['a header of the bus', 'publish', [notes, 'x', { headers: { 'Nats-Msg-Id': '1' } }], 'TERABUS_HEADER_INVALID'],
    ['a header of two lines', 'publish', [notes, 'x', { headers: { a: 'b\nc' } }], 'TERABUS_HEADER_INVALID'],
    ['a message that is too large', 'publish', [notes, 'x'.repeat(1_001)], 'TERABUS_PAYLOAD_TOO_LARGE'],
  ];
  for (const [what, kind, args, reason] of refused) {
    it(`refuses ${what} at once`, async () => {
      const storing = outbox.transaction((query) => (outbox as unknown as Open)[kind](query, ...args));
      expect((await rejection(storing)).reason).to.equal(reason);
      expect(await outbox.state()).to.include({ waiting: 0 });
    });
  }

  it('refuses at once what would be held for ever, since it is read otherwise than written', async () => {
    const forgetful = {
      ...UserEvent,
      decode: (...args: Parameters<typeof UserEvent.decode>) => ({ ...UserEvent.decode(...args), userFullname: '' }),
    };
    const lossy = defineTopic('lossy', { wrapper: 'event', types: [forgetful as typeof UserEvent], durable: true });
    const storing = new SqlOutbox(database, { names, topics: [lossy] });
    const error = await rejection(storing.transaction((query) => storing.publish(query, lossy, user('Ana'))));
    expect([error.reason, await outbox.state()]).to.deep.equal([
      'TERABUS_MESSAGE_INVALID',
      { waiting: 0, oldestMs: 0, failed: 0 },
    ]);
  });

  it('takes the same topic twice, and not two of one name', () => {
    expect(() => new SqlOutbox(database, { topics: [notes, notes] })).not.to.throw();
    expect(() => new SqlOutbox(database, { topics: [notes, impostor] }))
      .to.throw("'notes'")
      .with.property('reason', 'TERABUS_CONTRACT_MISMATCH');
  });

  it('takes no topic that is not durable', () => {
    const passing = defineTopic('passing', { wrapper: 'text' });
    // @ts-expect-error: the compiler says so too.
    expect(() => new SqlOutbox(database, { topics: [passing] }))
      .to.throw("'passing'")
      .with.property('reason', 'TERABUS_OPTIONS_INVALID');
  });

  it('says how long the oldest message waits', async () => {
    expect(await outbox.state()).to.deep.equal({ waiting: 0, oldestMs: 0, failed: 0 });
    await outbox.transaction((query) => outbox.publish(query, notes, 'x'));
    await until(async () => (await outbox.state()).oldestMs >= 1);
  });
});
