import { BusError } from '@terabus/messages';
import type { Database, Query } from './database.js';

type Rows = { readonly rows: readonly Readonly<Record<string, unknown>>[] };

/** What {@link pgDatabase} needs of a client of `pg`. */
export interface PgClient {
  query(text: string, parameters?: unknown[]): Promise<Rows & { readonly command: string }>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  release(error?: Error | boolean): void;
}

/** What {@link pgDatabase} needs of a `Pool` of `pg`. */
export interface PgPool {
  connect(): Promise<PgClient>;
}

/** What {@link pgliteDatabase} needs of PGlite. */
export interface Pglite {
  transaction<T>(
    work: (transaction: { query(text: string, parameters?: unknown[]): Promise<Rows> }) => Promise<T>,
  ): Promise<T>;
}

/** The port over a `Pool` of `pg`. The pool stays the caller's, with its limits and its listener for `error`. */
export function pgDatabase(pool: PgPool): Database {
  return {
    async transaction(work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      // A connection that breaks says so to its listeners, and ends the process where there are none.
      const onError = (error: Error) => {
        broken = error;
      };
      client.on('error', onError);
      try {
        await client.query('BEGIN');
        const result = await work(queryOf(client));
        const { command } = await client.query('COMMIT');
        // PostgreSQL answers so, and without an error, to the commit of a transaction in which a statement failed.
        if (command !== 'COMMIT') throw rolledBack();
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch((failure: Error) => {
          broken ??= failure;
        });
        throw error;
      } finally {
        client.off('error', onError);
        client.release(broken);
      }
    },
  };
}

/** The port over PGlite. It has one connection: transactions run one after another. */
export function pgliteDatabase(pglite: Pglite): Database {
  return { transaction: (work) => pglite.transaction((transaction) => work(queryOf(transaction))) };
}

const queryOf =
  (client: { query(text: string, parameters?: unknown[]): Promise<Rows> }): Query =>
  (text, parameters = []) =>
    client.query(text, [...parameters]);

const rolledBack = () =>
  new BusError('the transaction was rolled back instead of committed: one of its statements had failed', {
    reason: 'TERABUS_TRANSACTION_FAILED',
  });
