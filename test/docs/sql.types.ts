// Code of packages/sql/README.md that needs more than a test has: compiled here, and compared by readme.spec.ts.
import { PGlite } from '@electric-sql/pglite';
import { type Database, pgDatabase, pgliteDatabase, type SqlOutbox } from '@terabus/sql';
import pg from 'pg';

type Rows = { readonly [name: string]: unknown }[];

/** What is needed of postgres.js. */
declare const sql: {
  begin<T>(work: (sql: { unsafe(text: string, parameters?: never[]): Promise<Rows> }) => Promise<T>): Promise<T>;
};

export function databases() {
  // #region databases
  const ofPg = pgDatabase(new pg.Pool({ connectionString: 'postgresql://localhost/clinic' }));
  const ofPglite = pgliteDatabase(new PGlite());
  const ofPostgresJs: Database = {
    transaction: (work) =>
      sql.begin((tx) => work(async (text, parameters) => ({ rows: await tx.unsafe(text, parameters as never[]) }))),
  };
  // #endregion
  return [ofPg, ofPglite, ofPostgresJs];
}

export async function mend(outbox: SqlOutbox, isWorthSending: (error: string) => boolean) {
  // #region failed
  for (const { messageId, error } of await outbox.failed()) {
    await (isWorthSending(error) ? outbox.again(messageId) : outbox.discard(messageId));
  }
  // #endregion
}
