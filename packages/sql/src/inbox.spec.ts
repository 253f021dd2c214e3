import type { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { Database, Query, TableNames } from './index.js';
import { SqlInbox } from './index.js';
import { contextOf, fresh, gate, rejection, values } from './support.spec.js';

describe('SqlInbox', () => {
  let database: Database;
  let names: TableNames;
  let effects: string;
  let inbox: SqlInbox;
  beforeEach(async () => {
    ({ database, names, effects } = await fresh());
    inbox = new SqlInbox(database, { names });
  });

  const handler = 'service.Orders/orders/OrderPlaced';
  const insert = (query: Query, what: string) => query(`insert into ${effects} (what) values ($1)`, [what]);
  const kept = () => values(database, `select what from ${effects} order by id`);
  const marks = () => values(database, `select message_id from ${names.schema}.terabus_inbox order by 1`);

  /** Handles a message by storing an effect, as a handler does. */
  const handle = (messageId: string, what = messageId, work = handler) => {
    const context = contextOf();
    return inbox.once({ handler: work, messageId, context }, () => insert(inbox.query(context), what));
  };

  it('gives each message to a handler once, and says whether it did', async () => {
    expect(await handle('a')).to.equal(true);
    expect(await handle('b')).to.equal(true);
    expect(await handle('a', 'again')).to.equal(false);
    expect(await kept()).to.deep.equal(['a', 'b']);
  });

  it('gives a message to each handler', async () => {
    await handle('a', 'here');
    await handle('a', 'there', 'service.Bills/orders/OrderPlaced');
    expect(await kept()).to.deep.equal(['here', 'there']);
  });

  it('keeps neither effect nor mark of a handler that throws, and gives it the message again', async () => {
    const context = contextOf();
    const failing = inbox.once({ handler, messageId: 'a', context }, async () => {
      await insert(inbox.query(context), 'half');
      throw new Error('out of paper');
    });
    expect(await failing.catch((error: Error) => error.message)).to.equal('out of paper');
    expect([await kept(), await marks()]).to.deep.equal([[], []]);
    expect(await handle('a')).to.equal(true);
    expect(await kept()).to.deep.equal(['a']);
  });

  it('fails where the handler caught the error of a statement, since nothing is kept then', async () => {
    const context = contextOf();
    const error = await rejection(
      inbox.once({ handler, messageId: 'a', context }, async () => {
        await insert(inbox.query(context), 'first');
        await inbox
          .query(context)('select * from nowhere')
          .catch(() => undefined);
      }),
    );
    expect(error.reason).to.equal('TERABUS_TRANSACTION_FAILED');
    expect(error.message).to.contain('nowhere');
    expect([await kept(), await marks()]).to.deep.equal([[], []]);
  });

  it('takes no statement while it looks whether one that failed has spoiled the transaction', async () => {
    const context = contextOf();
    let late: Promise<BusError> | undefined;
    const looking: Database = {
      transaction: (work) =>
        database.transaction((query) =>
          work((text, parameters) => {
            if (text === 'select 1') late = rejection(insert(watched.query(context), 'too late'));
            return query(text, parameters);
          }),
        ),
    };
    const watched = new SqlInbox(looking, { names });
    await watched.once({ handler, messageId: 'a', context }, async () => {
      const query = watched.query(context);
      await query('savepoint before');
      await query('select * from nowhere').catch(() => query('rollback to savepoint before'));
    });
    expect([(await late)?.reason, await kept()]).to.deep.equal(['TERABUS_TRANSACTION_OVER', []]);
  });

  it('succeeds where the handler went back to a savepoint', async () => {
    const context = contextOf();
    await inbox.once({ handler, messageId: 'a', context }, async () => {
      const query = inbox.query(context);
      await query('savepoint before');
      await query('select * from nowhere').catch(() => query('rollback to savepoint before'));
      await insert(query, 'after all');
    });
    expect([await kept(), await marks()]).to.deep.equal([['after all'], ['a']]);
  });

  it('waits for statements that the handler did not wait for', async () => {
    const context = contextOf();
    await inbox.once({ handler, messageId: 'a', context }, async () => {
      void insert(inbox.query(context), 'in passing').then(() => insert(inbox.query(context), 'and another'));
    });
    expect(await kept()).to.deep.equal(['in passing', 'and another']);
  });

  it('rolls back when the time of a handler is over, takes its query away, and gives the message again', async () => {
    const time = new AbortController();
    const context = { ...contextOf(), signal: time.signal };
    const running = gate();
    const late = gate();
    let zombie: Promise<unknown> | undefined;
    const timedOut = inbox.once({ handler, messageId: 'a', context }, () => {
      zombie = (async () => {
        await insert(inbox.query(context), 'half');
        running.open();
        await late.opened;
        await insert(inbox.query(context), 'too late');
      })();
      return zombie;
    });
    await running.opened;
    time.abort(new Error('its time is over'));
    expect(await timedOut.catch((error: Error) => error.message)).to.equal('its time is over');
    expect(await handle('a')).to.equal(true);
    late.open();
    expect((await rejection(zombie as Promise<unknown>)).reason).to.equal('TERABUS_TRANSACTION_OVER');
    expect(await kept()).to.deep.equal(['a']);
  });

  it('begins nothing for a handler whose time is over already', async () => {
    const context = { ...contextOf(), signal: AbortSignal.abort(new Error('over')) };
    let called = false;
    const over = inbox.once({ handler, messageId: 'a', context }, async () => {
      called = true;
    });
    expect(await over.catch((error: Error) => error.message)).to.equal('over');
    expect([called, await marks()]).to.deep.equal([false, []]);
  });

  it('has no query for a handler that it did not call', () => {
    expect(() => inbox.query(contextOf('BillsService.onOrder')))
      .to.throw('BillsService.onOrder has no transaction of this inbox')
      .with.property('reason', 'TERABUS_TRANSACTION_OVER');
  });

  describe('after a while', () => {
    const grow = (count: number, days: number) =>
      database.transaction((query) =>
        query(
          `insert into ${names.schema}.terabus_inbox
           select 'old', $1::text || n, now() - $2 * interval '1 day' from generate_series(1, $3) as n`,
          [`${days}-`, days, count],
        ),
      );

    it('forgets what is older than keepMs, 500 at a time', async () => {
      await grow(700, 8);
      await grow(3, 6);
      expect([await inbox.clean(), await inbox.clean(), await inbox.clean()]).to.deep.equal([500, 200, 0]);
      expect(await marks()).to.deep.equal(['6-1', '6-2', '6-3']);
    });

    it('does so by itself, faster than marks are made', async () => {
      await grow(150, 8);
      for (let n = 0; n < 100; n += 1) await handle(`new-${n}`);
      expect(await marks()).to.have.length(100);
    });

    it('goes on handling when old marks cannot be removed', async () => {
      const lines: string[] = [];
      const context = { ...contextOf(), logger: { warn: (_: object, text: string) => lines.push(text) } } as never;
      let transactions = 0;
      const failing = new SqlInbox(
        {
          transaction: (work) => {
            transactions += 1;
            return transactions > 100 ? Promise.reject(new Error('no')) : database.transaction(work);
          },
        },
        { names },
      );
      for (let n = 0; n < 100; n += 1) await failing.once({ handler, messageId: `${n}`, context }, async () => {});
      expect(lines.map((line) => line.replace(/spec_\w+/, '…'))).to.deep.equal([
        'old marks could not be removed from "…"."terabus_inbox"',
      ]);
    });
  });
});
