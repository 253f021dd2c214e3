import { defineTopic } from '@terabus/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Database } from './index.js';
import { migrate, SqlInbox, SqlOutbox } from './index.js';
import { contextOf, FakeBus, fresh, until } from './support.spec.js';

const notes = defineTopic('notes', { wrapper: 'text', durable: true });

describe('the statements of inbox and outbox', () => {
  // A driver that looks at the server's types would make JSON of a text that is JSON already, or a date of a number.
  it('have parameters of plain types only', async () => {
    const { database, names } = await fresh();
    const texts = new Set<string>();
    const recording: Database = {
      transaction: (work) =>
        database.transaction((query) =>
          work((text, parameters = []) => {
            if (parameters.length > 0) texts.add(text);
            return query(text, parameters);
          }),
        ),
    };
    await migrate(recording, names);
    const outbox = new SqlOutbox(recording, { names, topics: [notes] });
    const inbox = new SqlInbox(recording, { names, outbox });
    const context = contextOf();
    await inbox.once({ handler: 'h', messageId: 'm', context }, () => outbox.publish(inbox.query(context), notes, 'x'));
    await inbox.clean();
    const bus = new FakeBus();
    bus.answer = () => {
      throw new Error('never');
    };
    const relay = outbox.relay({ bus, tries: 1 });
    await until(async () => (await outbox.state()).failed === 1);
    bus.answer = () => undefined;
    const [stuck] = await outbox.failed();
    await outbox.again(`${stuck?.messageId}`);
    await outbox.discard(`${stuck?.messageId}`);
    await until(async () => (await outbox.state()).waiting === 0);
    await relay.stop();

    const types = new Set<unknown>();
    await database.transaction(async (query) => {
      for (const text of texts) {
        await query(`prepare looked_at as ${text}`);
        const { rows } = await query(
          "select unnest(parameter_types)::text as type from pg_prepared_statements where name = 'looked_at'",
        );
        for (const { type } of rows) types.add(type);
        await query('deallocate looked_at');
      }
    });
    expect(texts.size).to.be.at.least(10);
    expect([...types].sort()).to.deep.equal(['bigint', 'boolean', 'double precision', 'integer', 'text']);
  });
});
