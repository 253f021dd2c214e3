import { BusError } from '@terabus/messages';
import type { Database, Query } from './database.js';

/**
 * A transaction whose `query` is of no use afterwards. A handler that timed out may still run when its transaction
 * has ended: its next statement would go to a connection that somebody else is using by then.
 *
 * A statement that failed spoils a transaction in PostgreSQL, whether or not its error was caught, and a commit then
 * is a rollback without an error. So it is asked before, where one has failed.
 *
 * @throws BusError `TERABUS_TRANSACTION_FAILED`, and what `work` and the database throw
 */
export function inTransaction<T>(database: Database, work: (query: Query) => Promise<T>): Promise<T> {
  return database.transaction(async (query) => {
    let over = false;
    let failed: { readonly error: unknown } | undefined;
    const running = new Set<Promise<unknown>>();

    const run: Query = async (text, parameters) => {
      if (over) {
        throw new BusError('the transaction is over: its query works until the handler has ended, or timed out', {
          reason: 'TERABUS_TRANSACTION_OVER',
        });
      }
      const result = query(text, parameters);
      running.add(result);
      try {
        return await result;
      } catch (error) {
        failed ??= { error };
        throw error;
      } finally {
        running.delete(result);
      }
    };

    try {
      const result = await work(run);
      // Statements that nobody waited for belong to it too.
      while (running.size > 0) await Promise.allSettled(running);
      over = true;
      if (failed !== undefined) await checkSound(query, failed.error);
      return result;
    } finally {
      over = true;
    }
  });
}

async function checkSound(query: Query, cause: unknown): Promise<void> {
  try {
    await query('select 1');
  } catch {
    throw new BusError(
      `a statement of the transaction failed, so that nothing of it is kept: ${BusError.from(cause).rawMessage}`,
      { reason: 'TERABUS_TRANSACTION_FAILED', cause },
    );
  }
}
