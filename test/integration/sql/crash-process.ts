// A program that handles messages with an inbox, stores events in an outbox, sends them, and kills itself at a point.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { defineTopic, type HandlerContext, type PublishOptions } from '@terabus/core';
import { type Database, migrate, pgliteDatabase, SqlInbox, SqlOutbox } from '@terabus/sql';

/** Where it may be killed, in the order in which it gets there. */
export type Point =
  | 'marked'
  | 'effect done'
  | 'event stored'
  | 'committed'
  | 'before the publish'
  | 'published'
  | 'before the delete'
  | 'deleted'
  | 'delete committed';

const done = defineTopic('done', { wrapper: 'text', durable: true });

async function main([folder = '', messages = '[]', point = 'none']: readonly string[]): Promise<void> {
  const at = (reached: Point) => {
    if (reached === point) process.kill(process.pid, 'SIGKILL');
  };
  const note = (file: string, line: object) => appendFileSync(join(folder, file), `${JSON.stringify(line)}\n`);

  const pglite = new PGlite(join(folder, 'database'));
  const database = pgliteDatabase(pglite);
  await migrate(database);
  await database.transaction(async (query) => {
    await query('create table if not exists effects (what text not null)');
    // That of a relay that was killed: to wait for its end is another test's subject.
    await query('delete from terabus_outbox_relay');
  });
  const outbox = new SqlOutbox(atDelete(database, at), { topics: [done] });
  const inbox = new SqlInbox(database, { outbox });

  for (const message of JSON.parse(messages) as string[]) {
    const context = { handler: 'h', signal: new AbortController().signal } as HandlerContext;
    await outbox
      .transaction(async (query) => {
        await outbox.publish(query, done, `ghost of ${message}`);
        throw new Error('rolled back');
      })
      .catch(() => undefined);
    await inbox.once({ handler: 'h', messageId: message, context }, async () => {
      const query = inbox.query(context);
      at('marked');
      await query('insert into effects values ($1)', [message]);
      at('effect done');
      await outbox.publish(query, done, message);
      at('event stored');
    });
    at('committed');
    note('acknowledged', { message });
  }

  const publish = (async (_topic: unknown, text: string, options: PublishOptions & { messageId: string }) => {
    at('before the publish');
    note('sent', { text, messageId: options.messageId });
    at('published');
  }) as never;
  const relay = outbox.relay({ bus: { publish, publishAll: publish, send: publish }, pollMs: 5 });
  while ((await outbox.state()).waiting > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await relay.stop();
  const { rows } = await pglite.query<{ what: string }>('select what from effects');
  process.stdout.write(JSON.stringify(rows.map(({ what }) => what)));
  await pglite.close();
}

/** Watches the statement that removes what was sent. */
function atDelete(database: Database, at: (reached: Point) => void): Database {
  return {
    async transaction(work) {
      let deleted = false;
      const result = await database.transaction((query) =>
        work(async (text, parameters) => {
          if (!text.startsWith('delete from "public"."terabus_outbox" ')) return query(text, parameters);
          at('before the delete');
          const answer = await query(text, parameters);
          at('deleted');
          deleted = true;
          return answer;
        }),
      );
      if (deleted) at('delete committed');
      return result;
    },
  };
}

await main(process.argv.slice(2));
