import type { Database, Query } from './database.js';
import { type TableNames, type Tables, tablesOf } from './names.js';

/**
 * Creates what is missing of the tables, and changes nothing where all is there: then it takes no lock of a table and
 * needs no right to create. Several may call it at once. Needs the right to create in the schema, and in the database
 * where the schema is missing too.
 *
 * @throws BusError `TERABUS_OPTIONS_INVALID`
 */
export async function migrate(database: Database, names?: TableNames): Promise<void> {
  const tables = tablesOf(names);
  await database.transaction(async (query) => {
    await query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`terabus migrate ${tables.schema}`]);
    if (await isMissing(query, 'to_regnamespace', tables.schema)) await query(`create schema ${tables.schema}`);
    await migrateInbox(query, tables);
    await migrateOutbox(query, tables);
  });
}

async function migrateInbox(query: Query, { inbox, inboxIndex }: Tables): Promise<void> {
  if (!(await isMissing(query, 'to_regclass', inbox))) return;
  await query(`create table ${inbox} (
    handler text not null,
    message_id text not null,
    marked_at timestamptz not null default now(),
    primary key (handler, message_id)
  )`);
  await query(`create index ${inboxIndex} on ${inbox} (marked_at)`);
}

async function migrateOutbox(query: Query, tables: Tables): Promise<void> {
  const { outbox, outboxIndex, failedIndex, relay, places, place, trigger } = tables;
  if (!(await isMissing(query, 'to_regclass', outbox))) return;
  await query(`create sequence ${places}`);
  await query(`create table ${outbox} (
    message_id text primary key,
    place bigint,
    topic text not null,
    template text not null,
    content bytea not null,
    headers text not null,
    stored_at timestamptz not null default now(),
    tries integer not null default 0,
    error text,
    failed_at timestamptz
  )`);
  await query(`alter sequence ${places} owned by ${outbox}.place`);
  await query(`create index ${outboxIndex} on ${outbox} (template, place) where failed_at is null`);
  await query(`create index ${failedIndex} on ${outbox} (place) where failed_at is not null`);
  await query(`create table ${relay} (
    only_one boolean primary key default true check (only_one),
    holder text not null,
    until timestamptz not null
  )`);
  // Deferred, so that it runs when the transaction commits, behind all of its statements: whatever it has seen of others
  // was committed, and had its place, before.
  await query(`create function ${place}() returns trigger language plpgsql as $body$
    begin
      update ${outbox} set place = nextval('${places}') where message_id = new.message_id;
      return null;
    end
  $body$`);
  await query(`create constraint trigger ${trigger} after insert on ${outbox}
    deferrable initially deferred for each row execute function ${place}()`);
}

async function isMissing(query: Query, how: 'to_regclass' | 'to_regnamespace', name: string): Promise<boolean> {
  const { rows } = await query(`select ${how}($1) is null as missing`, [name]);
  return rows[0]?.['missing'] === true;
}
