import { type DurableSettings, defineTopic, type Topic } from '@terabus/core';
import { VirtualClock } from '@terabus/core/memory';
import { BusError, DeviceEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Database, Relay, RelayOptions, TableNames } from './index.js';
import { SqlInbox, SqlOutbox } from './index.js';
import { contextOf, FakeBus, fresh, gate, nameIn, until } from './support.spec.js';

const notes = defineTopic('notes', { wrapper: 'text', durable: true });
const rooms = defineTopic('room.{n}', { wrapper: 'text', durable: true });
const people = defineTopic('people', { wrapper: 'event', types: [UserEvent], durable: true });
const topics = [notes, rooms, people];

const unavailable = () => new BusError('not now', { reason: 'TERABUS_STREAM_UNAVAILABLE' });
const refused = () => new BusError('never', { reason: 'TERABUS_PAYLOAD_TOO_LARGE' });

describe('the relay of an outbox', () => {
  let database: Database;
  let names: TableNames;
  let outbox: SqlOutbox;
  let bus: FakeBus;
  let clock: VirtualClock;
  let lines: string[];
  let relays: Relay[];
  beforeEach(async () => {
    ({ database, names } = await fresh());
    outbox = new SqlOutbox(database, { names, topics });
    bus = new FakeBus();
    clock = new VirtualClock();
    lines = [];
    relays = [];
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    expect(clock.pendingTimers).to.equal(0);
  });

  const logger = { error: (_: object, text: string) => void lines.push(text) } as never;
  const start = (options: Partial<RelayOptions> = {}, of = outbox) => {
    const relay = of.relay({ bus, clock, logger, ...options });
    relays.push(relay);
    return relay;
  };
  const store = (...texts: readonly string[]) =>
    outbox.transaction(async (query) => {
      for (const text of texts) await outbox.publish(query, notes, text);
    });
  const storeIn = (topic: Topic<'text', string, string, DurableSettings>, text: string) =>
    outbox.transaction((query) => outbox.publish(query, topic, text));
  const waiting = async () => (await outbox.state()).waiting;
  const isEmpty = async () => (await waiting()) === 0;
  /** Lets relays look again, and again, without time going by in between. */
  const settle = async () => {
    for (let n = 0; n < 3; n += 1) {
      outbox.poke();
      await outbox.state();
    }
  };

  /** Lets seconds go by until it holds; the database takes its own time in between. */
  const pass = (holds: () => boolean) =>
    until(async () => {
      if (!holds() && clock.pendingTimers > 0) await clock.advance(1_000);
      return holds();
    });

  it('sends what waits, in order, and removes it', async () => {
    await store('1', '2');
    await store('3');
    const relay = start();
    await until(isEmpty);
    expect(bus.names).to.deep.equal(['1', '2', '3']);
    expect(relay.active).to.equal(true);
  });

  it('sends what is stored by `transaction` at once', async () => {
    start();
    await until(() => clock.pendingTimers > 0);
    await store('now');
    await until(() => bus.sent.length === 1);
    expect(clock.elapsed()).to.equal(0);
  });

  it('sends what a handler stored, at once when its transaction has committed', async () => {
    start();
    await until(() => clock.pendingTimers > 0);
    const inbox = new SqlInbox(database, { names, outbox });
    const context = contextOf();
    await inbox.once({ handler: 'h', messageId: 'm', context }, () =>
      outbox.publish(inbox.query(context), notes, 'placed'),
    );
    await until(() => bus.sent.length === 1);
    expect([bus.names, clock.elapsed()]).to.deep.equal([['placed'], 0]);
  });

  it('finds what nobody told it of within a second', async () => {
    start();
    await until(() => clock.pendingTimers > 0);
    await database.transaction((query) => outbox.publish(query, notes, 'quiet'));
    await clock.advance(1_000);
    await until(() => bus.sent.length === 1);
  });

  it('reads no more at a time than its limits allow', async () => {
    await store('a', 'b', 'c', 'x'.repeat(100), 'y'.repeat(100));
    const batches: number[] = [];
    const counting: Database = {
      transaction: (work) =>
        database.transaction((query) =>
          work(async (text, parameters) => {
            const result = await query(text, parameters);
            if (text.startsWith('with first')) batches.push(result.rows.length);
            return result;
          }),
        ),
    };
    start({ batch: 2, batchBytes: 100 }, new SqlOutbox(counting, { names, topics }));
    await until(isEmpty);
    expect(bus.sent).to.have.length(5);
    expect(batches.filter((size) => size > 0)).to.deep.equal([2, 2, 1]);
  });

  it('finds what is next by the index, also when an outbox that was empty has a sudden backlog', async () => {
    const plans: string[] = [];
    const explaining: Database = {
      transaction: (work) =>
        database.transaction((query) =>
          work(async (text, parameters) => {
            if (text.startsWith('with first'))
              plans.push((await query(`explain ${text}`, parameters)).rows.map((row) => row['QUERY PLAN']).join('\n'));
            return query(text, parameters);
          }),
        ),
    };
    await database.transaction((query) => query(`analyze ${names.schema}.terabus_outbox`));
    await database.transaction((query) =>
      query(`insert into ${names.schema}.terabus_outbox (message_id, topic, template, content, headers)
        select n::text, 'notes', 'notes', '', '{}' from generate_series(1, 1000) as n`),
    );
    start({}, new SqlOutbox(explaining, { names, topics }));
    await until(() => plans.length > 0);
    expect(plans[0])
      .to.contain('Index Scan using terabus_outbox_place')
      .and.not.match(/Bitmap|Seq Scan/);
  });

  describe('when a message cannot be sent now', () => {
    it('holds its topic, all of a family, and lets others pass', async () => {
      bus.answer = ({ topic }) => {
        if (topic === 'room.1') throw unavailable();
      };
      await storeIn(rooms({ n: '1' }), 'held');
      await storeIn(rooms({ n: '2' }), 'behind it');
      await storeIn(notes, 'other');
      start();
      await until(() => bus.sent.length === 1);
      await settle();
      expect(bus.names).to.deep.equal(['other']);
      expect(bus.tries.get('room.2')).to.equal(undefined);

      bus.answer = () => undefined;
      await pass(() => bus.sent.length === 3);
      expect(bus.names).to.deep.equal(['other', 'held', 'behind it']);
    });

    it('tries again after 1, 2, 4, 8, 16, 30 and 30 seconds, and never gives it up', async () => {
      const at: number[] = [];
      bus.answer = () => {
        at.push(clock.elapsed() / 1_000);
        throw unavailable();
      };
      await store('held');
      start({ tries: 2 });
      await until(() => at.length === 1);
      await pass(() => at.length === 8);
      expect(at).to.deep.equal([0, 1, 3, 7, 15, 31, 61, 91]);
      expect(await outbox.state()).to.include({ waiting: 1, failed: 0 });
      expect(lines[1]).to.match(/^the stored message \w{26} to 'notes' holds 'notes' and is tried again in 2000 ms$/);
    });

    it('tries again after that time, however seldom it looks for what nobody told it of', async () => {
      const at: number[] = [];
      bus.answer = () => {
        at.push(clock.elapsed() / 1_000);
        throw unavailable();
      };
      await store('held');
      start({ pollMs: 60_000 });
      await pass(() => at.length === 3);
      expect(at).to.deep.equal([0, 1, 3]);
    });

    for (const reason of [
      'TERABUS_UNCONFIRMED',
      'TERABUS_STREAM_MISSING',
      'TERABUS_NATS_FORBIDDEN',
      'TERABUS_NOT_DECLARED',
      'TERABUS_CLOSED',
    ] as const) {
      it(`holds it for ${reason}, which is not the message's fault`, async () => {
        bus.answer = () => {
          throw new BusError('no', { reason });
        };
        await store('held');
        start({ tries: 1 });
        await until(() => lines.length === 1);
        expect(await outbox.state()).to.include({ waiting: 1, failed: 0 });
      });
    }

    it('sends it with the same id', async () => {
      const ids: string[] = [];
      bus.answer = ({ messageId }) => {
        ids.push(messageId);
        if (ids.length === 1) throw unavailable();
      };
      await store('held');
      start();
      await until(() => ids.length === 1);
      await until(() => clock.pendingTimers > 0);
      await clock.advance(1_000);
      await until(isEmpty);
      expect(ids[1]).to.equal(ids[0]);
    });
  });

  describe('when a message can never be sent', () => {
    const giveUp = async () => {
      bus.answer = ({ payload }) => {
        if (nameIn(payload) === 'bad') throw refused();
      };
      await store('good', 'bad', 'behind it');
      start({ tries: 3 });
      for (const failures of [1, 2, 3]) {
        await pass(() => lines.length === failures);
        if (failures < 3) expect(bus.names).to.deep.equal(['good']);
      }
      await until(isEmpty);
    };

    it('gives it up after its tries, and goes on behind it', async () => {
      await giveUp();
      expect(bus.names).to.deep.equal(['good', 'behind it']);
      const [{ messageId, storedAt, failedAt, ...rest } = {} as never, ...more] = await outbox.failed();
      expect(rest).to.deep.equal({ topic: 'notes', tries: 3, error: '[TERABUS_PAYLOAD_TOO_LARGE] never' });
      expect([more, (failedAt as unknown as Date) >= storedAt]).to.deep.equal([[], true]);
      expect(lines.at(-1)).to.equal(`the stored message ${messageId} to 'notes' is given up`);
    });

    it('sends it after all when it is told to', async () => {
      await giveUp();
      const [stuck] = await outbox.failed();
      bus.answer = () => undefined;
      expect(await outbox.again(`${stuck?.messageId}`)).to.equal(true);
      await until(() => bus.sent.length === 3);
      expect(bus.names).to.deep.equal(['good', 'behind it', 'bad']);
      expect(bus.sent[2]?.messageId).to.equal(stuck?.messageId);
      expect(await outbox.again('nobody')).to.equal(false);
    });

    it('discards it when it is told to, and nothing else', async () => {
      await giveUp();
      const [stuck] = await outbox.failed();
      expect(await outbox.discard(`${stuck?.messageId}`)).to.equal(true);
      expect(await outbox.discard(`${stuck?.messageId}`)).to.equal(false);
      expect(await outbox.state()).to.deep.equal({ waiting: 0, oldestMs: 0, failed: 0 });
    });
  });

  describe('of another version than what stored a message', () => {
    it('leaves topics alone that it does not know', async () => {
      await storeIn(rooms({ n: '1' }), 'newer');
      await storeIn(notes, 'known');
      start({ tries: 1 }, new SqlOutbox(database, { names, topics: [notes] }));
      await until(async () => (await waiting()) === 1);
      await settle();
      expect(bus.names).to.deep.equal(['known']);
      expect(lines).to.deep.equal([]);
    });

    it('counts a type that it does not know as refused', async () => {
      const newer = defineTopic('people', { wrapper: 'event', types: [UserEvent, DeviceEvent], durable: true });
      const storing = new SqlOutbox(database, { names, topics: [newer] });
      await storing.transaction((query) => storing.publish(query, newer, DeviceEvent.create()));
      start({ tries: 1 });
      await until(isEmpty);
      expect((await outbox.failed())[0]?.error).to.contain('[TERABUS_TYPE_NOT_CARRIED]');
    });

    it('holds a message with fields that it would lose', async () => {
      const richer = {
        ...UserEvent,
        // Field 15 with the value 1: what a later version of the type may have.
        encode: (message: UserEvent) => new Uint8Array([...UserEvent.encode(message), 15 << 3, 1]),
      };
      const newer = defineTopic('people', { wrapper: 'event', types: [richer as typeof UserEvent], durable: true });
      const storing = new SqlOutbox(database, { names, topics: [newer] });
      await storing.transaction((query) => storing.publish(query, newer, UserEvent.create({ userFullname: 'Ana' })));
      start({ tries: 1 });
      await until(() => lines.length === 1);
      expect(await outbox.state()).to.include({ waiting: 1, failed: 0 });
      const errors = await database.transaction((query) => query(`select error from ${names.schema}.terabus_outbox`));
      expect(errors.rows[0]?.['error']).to.contain('[TERABUS_CONTRACT_MISMATCH]');
    });
  });

  describe('beside another one', () => {
    const expire = () =>
      database.transaction((query) =>
        query(`update ${names.schema}.terabus_outbox_relay set until = now() - interval '1 second'`),
      );

    it('waits until the other one stops', async () => {
      const first = start();
      await until(() => first.active);
      const second = start({ bus: new FakeBus() });
      await until(() => clock.pendingTimers === 2);
      expect(second.active).to.equal(false);
      await first.stop();
      outbox.poke();
      await until(() => second.active);
    });

    it('takes over when the other one has been silent for its lease', async () => {
      const held = gate();
      bus.answer = () => held.opened;
      await store('1', '2');
      const first = start();
      await until(() => bus.tries.size === 1);
      const other = new FakeBus();
      const second = start({ bus: other });
      await until(() => clock.pendingTimers === 1);
      expect(second.active).to.equal(false);

      await expire();
      outbox.poke();
      await until(() => other.sent.length === 2);
      // The one that was silent stops sending where it is: its lease is long over.
      await clock.advance(11_000);
      held.open();
      await until(() => !first.active);
      expect([bus.names, other.names]).to.deep.equal([['1'], ['1', '2']]);
      expect(bus.sent[0]?.messageId).to.equal(other.sent[0]?.messageId);
    });
  });

  describe('when it is stopped', () => {
    it('sends what it has read, and nothing more, and leaves none of that behind', async () => {
      const held = gate();
      bus.answer = () => held.opened;
      await store('1', '2', '3');
      const relay = start({ batch: 2 });
      await until(() => bus.tries.size === 1);
      const stopped = relay.stop();
      held.open();
      await stopped;
      expect([bus.names, await waiting()]).to.deep.equal([['1', '2'], 1]);
    });

    it('ends by a signal too', async () => {
      const controller = new AbortController();
      const relay = start({ signal: controller.signal });
      await until(() => clock.pendingTimers > 0);
      controller.abort();
      await until(() => clock.pendingTimers === 0);
      await relay.stop();
      await store('late');
      expect(bus.names).to.deep.equal([]);
    });
  });

  describe('when the database fails', () => {
    let broken = false;
    const fragile = (): Database => ({
      transaction: (work) => (broken ? Promise.reject(new Error('no connection')) : database.transaction(work)),
    });
    afterEach(() => {
      broken = false;
    });

    it('goes on when it is back, and sends nothing twice for it', async () => {
      const held = gate();
      bus.answer = () => held.opened;
      await store('1', '2');
      start({}, new SqlOutbox(fragile(), { names, topics }));
      await until(() => bus.tries.size === 1);
      broken = true;
      held.open();
      await until(() => lines.length === 1);
      expect(await waiting()).to.equal(2);
      broken = false;
      await until(() => clock.pendingTimers > 0);
      await clock.advance(1_000);
      await until(isEmpty);
      expect(bus.names).to.deep.equal(['1', '2']);
      expect(lines).to.deep.equal(["the outbox can't be read, and is tried again in 1000 ms"]);
    });

    it('stops all the same, and says what may come twice', async () => {
      const held = gate();
      bus.answer = () => held.opened;
      await store('1');
      const relay = start({}, new SqlOutbox(fragile(), { names, topics }));
      await until(() => bus.tries.size === 1);
      broken = true;
      const stopped = relay.stop();
      held.open();
      await stopped;
      expect(lines.at(-1)).to.equal('the outbox could not be left: 1 messages may be sent again');
    });
  });

  for (const [option, value] of Object.entries({
    pollMs: 0,
    leaseMs: 999,
    batch: 0.5,
    batchBytes: 'many',
    tries: -1,
  })) {
    it(`refuses ${value} for ${option}`, () => {
      expect(() => start({ [option]: value }))
        .to.throw(`'${option}'`)
        .with.property('reason', 'TERABUS_OPTIONS_INVALID');
    });
  }
});
