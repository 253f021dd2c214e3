import { defineTopic } from '@terabus/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { migrate, SqlInbox, SqlOutbox } from './index.js';
import { before, contextOf, FakeBus, fresh, open, rejection, until, values } from './support.spec.js';

const notes = defineTopic('notes', { wrapper: 'text', durable: true });

describe('migrate', () => {
  it('can be called again, and by several at once', async () => {
    const database = open();
    const names = { schema: `often_${process.pid}`, inbox: 'Seen', outbox: 'ToSend' };
    await Promise.all([1, 2, 3].map(() => migrate(database, names)));
    await migrate(database, names);
    const tables = `select tablename from pg_tables where schemaname = '${names.schema}' order by 1`;
    expect(await values(database, tables)).to.deep.equal(['Seen', 'ToSend', 'ToSend_relay']);
  });

  it('leaves what is in the tables', async () => {
    const { database, names } = await fresh();
    const outbox = new SqlOutbox(database, { names, topics: [notes] });
    await outbox.transaction((query) => outbox.publish(query, notes, 'kept'));
    await migrate(database, names);
    expect(await outbox.state()).to.include({ waiting: 1 });
  });

  for (const bad of ['x"; drop table users; --', '', 'a b', 'é', 'a.b', 'x'.repeat(49), 3]) {
    it(`refuses the name ${JSON.stringify(bad)}`, async () => {
      for (const option of ['schema', 'inbox', 'outbox']) {
        const error = await rejection(migrate(open(), { [option]: bad }));
        expect(error.reason).to.equal('TERABUS_OPTIONS_INVALID');
      }
    });
  }

  for (const inbox of ['box', 'box_relay', 'box_places', 'box_place']) {
    it(`refuses an inbox ${inbox} beside an outbox box`, async () => {
      const error = await rejection(migrate(open(), { inbox, outbox: 'box' }));
      expect([error.reason, error.message]).to.deep.equal([
        'TERABUS_OPTIONS_INVALID',
        `[TERABUS_OPTIONS_INVALID] names of tables: with 'inbox' ${inbox} and 'outbox' box, both have a ${inbox}`,
      ]);
    });
  }

  it('refuses names that it does not know', async () => {
    expect((await rejection(migrate(open(), { outbx: 'o' } as never))).message).to.contain('unknown option "outbx"');
  });

  it('asks for nothing of a user who may only read and write', async () => {
    const { database, names } = await fresh();
    const { schema } = names;
    const role = `reader_${schema}`;
    await database.transaction(async (query) => {
      await query(`create role ${role}`);
      await query(`grant usage on schema ${schema} to ${role}`);
      await query(`grant select, insert, update, delete on ${schema}.terabus_inbox, ${schema}.terabus_outbox,
        ${schema}.terabus_outbox_relay to ${role}`);
      await query(`grant usage on sequence ${schema}.terabus_outbox_places to ${role}`);
    });
    const limited = before(database, (query) => query(`set local role ${role}`));

    await migrate(limited, names);
    const outbox = new SqlOutbox(limited, { names, topics: [notes] });
    const inbox = new SqlInbox(limited, { names, outbox });
    const context = contextOf();
    await inbox.once({ handler: 'h', messageId: 'a', context }, () =>
      outbox.publish(inbox.query(context), notes, 'done'),
    );
    await inbox.clean();
    const bus = new FakeBus();
    const relay = outbox.relay({ bus });
    await until(async () => (await outbox.state()).waiting === 0);
    await relay.stop();
    expect(bus.names).to.deep.equal(['done']);
  });
});
