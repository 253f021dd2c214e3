// What PGlite, with its one connection, can't show. `npm run test:postgres` runs it.
import { setTimeout as pause } from 'node:timers/promises';
import type { HandlerContext, PublishOptions } from '@terabus/core';
import { defineTopic } from '@terabus/core';
import { BusError } from '@terabus/messages';
import { type Database, migrate, pgDatabase, type Query, SqlInbox, SqlOutbox } from '@terabus/sql';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import pg from 'pg';

const connectionString = process.env['TERABUS_POSTGRES'];
const notes = defineTopic('notes', { wrapper: 'text', durable: true });

let schemas = 0;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await pause(5);
}

function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const contextOf = (): HandlerContext => ({ handler: 'h', signal: new AbortController().signal }) as HandlerContext;

describe('over a PostgreSQL with several connections', () => {
  let pool: pg.Pool;
  let database: Database;
  let names: { schema: string };
  beforeEach(async () => {
    pool = new pg.Pool({ connectionString, max: 8 });
    pool.on('error', () => undefined);
    database = pgDatabase(pool);
    schemas += 1;
    names = { schema: `side_by_side_${process.pid}_${schemas}` };
    await migrate(database, names);
    await pool.query(`create table ${names.schema}.counter (value int not null)`);
    await pool.query(`insert into ${names.schema}.counter values (0)`);
  });
  afterEach(async () => {
    await pool.query(`drop schema ${names.schema} cascade`);
    await pool.end();
  });

  const count = (query: Query) => query(`update ${names.schema}.counter set value = value + 1 returning value`);
  const counted = async () => (await pool.query(`select value from ${names.schema}.counter`)).rows[0].value;
  /** Whether a connection waits for what another one holds. */
  const isBlocked = async () =>
    (
      await pool.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%${names.schema}%'`,
      )
    ).rows.length > 0;

  describe('an inbox', () => {
    const handler = 'service.Counter/notes';

    for (const outcome of ['commits', 'fails'] as const) {
      it(`lets a second instance with the same message wait until the first one ${outcome}`, async () => {
        const [first, second] = [new SqlInbox(database, { names }), new SqlInbox(database, { names })];
        const running = gate();
        const [one, other] = [contextOf(), contextOf()];
        const firstDone = first.once({ handler, messageId: 'm', context: one }, async () => {
          await count(first.query(one));
          await running.opened;
          if (outcome === 'fails') throw new Error('no');
        });
        await until(async () => (await pool.query('select 1')).rows.length > 0 && pool.totalCount > 0);
        const secondDone = second.once({ handler, messageId: 'm', context: other }, () => count(second.query(other)));
        await until(isBlocked);
        running.open();
        const called = await Promise.all([firstDone.catch(() => 'failed'), secondDone]);
        expect(called).to.deep.equal(outcome === 'commits' ? [true, false] : ['failed', true]);
        expect(await counted()).to.equal(1);
      });
    }

    it('has one effect of a message that comes to many at once', async () => {
      const inbox = new SqlInbox(database, { names });
      const work = Array.from({ length: 200 }, async (_, n) => {
        const context = contextOf();
        return inbox.once({ handler, messageId: `m${n % 20}`, context }, () => count(inbox.query(context)));
      });
      expect((await Promise.all(work)).filter(Boolean)).to.have.length(20);
      expect(await counted()).to.equal(20);
    });

    it('keeps nothing when its connection breaks in the middle, and the process goes on', async () => {
      const inbox = new SqlInbox(database, { names });
      const context = contextOf();
      const broken = inbox.once({ handler, messageId: 'm', context }, async () => {
        const query = inbox.query(context);
        await count(query);
        const { rows } = await query('select pg_backend_pid() as pid');
        await pool.query('select pg_terminate_backend($1)', [rows[0]?.['pid']]);
        await count(query);
      });
      expect(await broken.catch((error: Error) => error)).to.be.instanceOf(Error);
      expect(await inbox.once({ handler, messageId: 'm', context }, () => count(inbox.query(context)))).to.equal(true);
      expect(await counted()).to.equal(1);
    });
  });

  describe('an outbox', () => {
    let outbox: SqlOutbox;
    let sent: string[];
    beforeEach(() => {
      outbox = new SqlOutbox(database, { names, topics: [notes] });
      sent = [];
    });

    const publish = (async (_topic: unknown, text: string) => {
      sent.push(text);
    }) as never;
    const bus = { publish, publishAll: publish, send: publish };
    const isEmpty = async () => (await outbox.state()).waiting === 0;

    it('sends in the order of commits, not in that of storing, and waits for nobody', async () => {
      const relay = outbox.relay({ bus });
      const slow = gate();
      const stored = gate();
      const first = outbox.transaction(async (query) => {
        await outbox.publish(query, notes, 'stored first');
        stored.open();
        await slow.opened;
      });
      await stored.opened;
      await outbox.transaction((query) => outbox.publish(query, notes, 'committed first'));
      await until(() => sent.length === 1);
      slow.open();
      await first;
      await until(isEmpty);
      await relay.stop();
      expect(sent).to.deep.equal(['committed first', 'stored first']);
    });

    it('sends what transactions say that wait for each other in the order of what they did', async () => {
      const relay = outbox.relay({ bus });
      const done: string[][] = [];
      const transactions = Array.from({ length: 300 }, (_, n) =>
        outbox.transaction(async (query) => {
          // Some store something before they wait for the others, which have changed the row that all change.
          const begins = n % 2 === 0 ? [`${n} begins`] : [];
          for (const text of begins) await outbox.publish(query, notes, text);
          const { rows } = await count(query);
          const value = Number(rows[0]?.['value']);
          await outbox.publish(query, notes, `${n} makes it ${value}`);
          done[value - 1] = [...begins, `${n} makes it ${value}`];
        }),
      );
      await Promise.all(transactions);
      await until(isEmpty);
      await relay.stop();
      expect(sent).to.deep.equal(done.flat());
    });

    it('loses nothing, and no order, when connections break and relays change', async () => {
      const first: string[] = [];
      const seen = new Set<string>();
      const take = (async (_topic: unknown, text: string, options: PublishOptions & { messageId: string }) => {
        await pause(1);
        if (seen.has(options.messageId)) return;
        seen.add(options.messageId);
        first.push(text);
      }) as never;
      const taking = { publish: take, publishAll: take, send: take };
      const options = { bus: taking, pollMs: 20, leaseMs: 1_000, batch: 20 };
      let relay = outbox.relay(options);
      let committed = 0;
      const producing = (async () => {
        while (committed < 400) {
          await outbox
            .transaction(async (query) => outbox.publish(query, notes, String((await count(query)).rows[0]?.['value'])))
            .then(() => {
              committed += 1;
            })
            .catch(() => undefined);
        }
      })();
      for (let round = 0; committed < 400; round += 1) {
        await pause(30);
        const others =
          'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename is not null';
        await pool.query(others).catch(() => undefined);
        if (round % 3 === 0) {
          const leaving = relay.stop();
          relay = outbox.relay(options);
          await leaving;
        }
      }
      await producing;
      await until(() => isEmpty().catch(() => false));
      await relay.stop();
      // A commit whose answer was lost counts as failed here, and has happened: what is sent may be more.
      const total = await counted();
      expect(first.map(Number)).to.deep.equal(Array.from({ length: total }, (_, n) => n + 1));
      expect(total).to.be.at.least(400);
    });

    it('fails a commit that PostgreSQL turned into a rollback', async () => {
      const silent = database.transaction(async (query) => {
        await query('select * from nowhere').catch(() => undefined);
      });
      const error = await silent.catch((thrown: unknown) => thrown);
      expect(BusError.from(error).reason).to.equal('TERABUS_TRANSACTION_FAILED');
    });
  });
});
