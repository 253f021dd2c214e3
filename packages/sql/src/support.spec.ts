// What the specs share: a database of PGlite in memory, or the PostgreSQL that TERABUS_POSTGRES names, with tables of
// their own for each test.
import { PGlite } from '@electric-sql/pglite';
import type { HandlerContext, PublishOptions, Topic } from '@terabus/core';
import { BusError } from '@terabus/messages';
import { after } from 'mocha';
import pg from 'pg';
import type { Database, Query, TableNames } from './index.js';
import { migrate, pgDatabase, pgliteDatabase } from './index.js';

const url = process.env['TERABUS_POSTGRES'];

/** Whether transactions can run side by side. */
export const isPostgres = url !== undefined;

let opened: { readonly database: Database; close(): Promise<void> } | undefined;
let schemas = 0;

after(async () => {
  await opened?.close();
});

/** The database of all specs. */
export function open(): Database {
  opened ??= url === undefined ? openPglite() : openPostgres(url);
  return opened.database;
}

function openPglite() {
  const pglite = new PGlite();
  return { database: pgliteDatabase(pglite), close: () => pglite.close() };
}

function openPostgres(connectionString: string) {
  const pool = new pg.Pool({ connectionString, max: 8 });
  pool.on('error', () => undefined);
  return { database: pgDatabase(pool), close: () => pool.end() };
}

/** Tables that nobody else has, and a table `effects` of texts beside them. */
export async function fresh(): Promise<{ database: Database; names: TableNames; effects: string }> {
  const database = open();
  schemas += 1;
  const names = { schema: `spec_${process.pid}_${schemas}` };
  await migrate(database, names);
  const effects = `${names.schema}.effects`;
  await database.transaction((query) => query(`create table ${effects} (id serial primary key, what text not null)`));
  return { database, names, effects };
}

/** The values of the only column of what is asked for, as texts. */
export async function values(database: Database, text: string): Promise<string[]> {
  const { rows } = await database.transaction((query) => query(text));
  return rows.map((row) => String(Object.values(row)[0]));
}

/** A context as a host makes it, as far as anybody here looks at it. */
export function contextOf(handler = 'OrdersService.onOrder', headers: Record<string, string> = {}): HandlerContext {
  const { signal } = new AbortController();
  return { handler, headers: new Map(Object.entries(headers)), signal } as unknown as HandlerContext;
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<BusError> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${String(value)}`),
    (reason: unknown) => reason,
  );
  if (BusError.is(error)) return error;
  throw error;
}

/** Resolves when `holds` does; the test's own time limit ends it else. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** A promise, and what resolves it. */
export function gate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** What was asked of a {@link FakeBus}. */
export interface Sent {
  readonly kind: 'publish' | 'publishAll' | 'send';
  readonly topic: string;
  readonly payload: unknown;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A bus without receipts, which nobody here reads, that takes down what it is given, and fails as it is told. */
export class FakeBus {
  readonly sent: Sent[] = [];
  /** How often something was tried, by topic. */
  readonly tries = new Map<string, number>();
  /** Called before anything is taken down: what it throws is the answer. */
  answer: (sent: Sent) => unknown = () => undefined;

  publish = (topic: unknown, payload: unknown, options?: PublishOptions) =>
    this.#take('publish', topic as Topic, payload, options);
  publishAll = (topic: unknown, payload: unknown, options?: PublishOptions) =>
    this.#take('publishAll', topic as Topic, payload, options);
  send = (topic: unknown, payload: unknown, options?: PublishOptions) =>
    this.#take('send', topic as Topic, payload, options);

  /** What was taken down, each as its text or the name in it. */
  get names(): string[] {
    return this.sent.map(({ payload }) => nameIn(payload));
  }

  async #take(kind: Sent['kind'], { name }: Topic, payload: unknown, options: PublishOptions = {}): Promise<never> {
    const { messageId = '', headers = {} } = options;
    const sent = { kind, topic: name, payload, messageId, headers };
    this.tries.set(name, (this.tries.get(name) ?? 0) + 1);
    await this.answer(sent);
    this.sent.push(sent);
    return undefined as never;
  }
}

/** The text, or the name of the user in the message. */
export function nameIn(payload: unknown): string {
  const [one] = [payload].flat() as [string | { userFullname: string }];
  return typeof one === 'string' ? one : one.userFullname;
}

/** A database whose transactions first do something else. */
export const before = (database: Database, first: (query: Query) => unknown): Database => ({
  transaction: (work) =>
    database.transaction(async (query) => {
      await first(query);
      return work(query);
    }),
});
