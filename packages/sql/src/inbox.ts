import type { HandlerContext, Inbox, InboxWork } from '@terabus/core';
import { BusError } from '@terabus/messages';
import type { Database, Query } from './database.js';
import { type TableNames, tablesOf } from './names.js';
import { wholeNumber } from './options.js';
import type { SqlOutbox } from './outbox.js';
import { inTransaction } from './transaction.js';

/** What `new SqlInbox` is told. */
export interface SqlInboxOptions {
  /** Where the table is. */
  readonly names?: TableNames | undefined;
  /**
   * For how many milliseconds a message is remembered, by the database's clock. Defaults to 7 days, as long as durable
   * topics keep their messages; a copy that comes later is handled again.
   */
  readonly keepMs?: number | undefined;
  /** Its relay is told when a handler's transaction has committed in which something was stored there. */
  readonly outbox?: SqlOutbox | undefined;
}

/** Old marks go in pieces, each after so many new ones, so that more go than come whatever the load. */
const CLEAN_AFTER = 100;
const CLEAN_MOST = 500;

const WEEK_MS = 7 * 86_400_000;

/**
 * Remembers in the handler's own transaction which messages it has finished: the effect and the mark are kept together
 * or not at all, so that a crash at any point repeats no effect and loses none. That holds for effects that go through
 * {@link SqlInbox.query}; a letter that was sent, or another connection, knows nothing of the transaction.
 *
 * A handler whose time is over has its transaction rolled back there and then, also where it goes on; only a statement
 * that the database is busy with ends first.
 *
 * The mark is written first. A second instance that has the same message waits for the first one's commit, and then
 * sees it; if that is rolled back, it handles the message itself.
 */
export class SqlInbox implements Inbox {
  readonly #database: Database;
  readonly #table: string;
  readonly #keepMs: number;
  readonly #outbox: SqlOutbox | undefined;
  readonly #queries = new WeakMap<HandlerContext, Query>();
  #marked = 0;

  /** @throws BusError `TERABUS_OPTIONS_INVALID` */
  constructor(database: Database, { names, keepMs = WEEK_MS, outbox }: SqlInboxOptions = {}) {
    this.#database = database;
    this.#table = tablesOf(names).inbox;
    this.#keepMs = wholeNumber('keepMs', keepMs, 1_000);
    this.#outbox = outbox;
  }

  async once({ handler, messageId, context }: InboxWork, handle: () => Promise<unknown>): Promise<boolean> {
    const used = await inTransaction(this.#database, async (query) => {
      if (!(await this.#mark(query, handler, messageId))) return undefined;
      this.#queries.set(context, query);
      await withinItsTime(handle, context.signal);
      return query;
    });
    if (used === undefined) return false;
    this.#outbox?.committed(used);
    this.#marked += 1;
    if (this.#marked % CLEAN_AFTER === 0) await this.#cleanQuietly(context);
    return true;
  }

  /**
   * The query of the transaction in which a message is handled: what it changes is kept if the handler succeeds. For
   * as long as the handler runs.
   *
   * @throws BusError `TERABUS_TRANSACTION_OVER` where the handler is not one with `deduplicate`, or the host has
   * another inbox; the query rejects so after the handler's end
   */
  query(context: HandlerContext): Query {
    const query = this.#queries.get(context);
    if (query !== undefined) return query;
    throw new BusError(
      `${context.handler} has no transaction of this inbox: its topic needs from(…, { deduplicate: true }), and the host this inbox`,
      { reason: 'TERABUS_TRANSACTION_OVER' },
    );
  }

  /**
   * Removes marks that are older than `keepMs`, 500 at most, and resolves with how many there were. The inbox does so
   * itself after every 100 messages: this is for services that have been idle.
   */
  clean(): Promise<number> {
    return this.#database.transaction(async (query) => {
      const { rows } = await query(
        `delete from ${this.#table} where ctid = any(array(
          select ctid from ${this.#table} where marked_at < now() - $1 * interval '1 millisecond'
          order by marked_at limit ${CLEAN_MOST} for update skip locked
        )) returning 1`,
        [this.#keepMs],
      );
      return rows.length;
    });
  }

  async #mark(query: Query, handler: string, messageId: string): Promise<boolean> {
    const { rows } = await query(
      `insert into ${this.#table} (handler, message_id) values ($1, $2) on conflict do nothing returning 1`,
      [handler, messageId],
    );
    return rows.length > 0;
  }

  /** The message is handled: that old marks stay a little longer must not have it handled again. */
  async #cleanQuietly({ logger }: HandlerContext): Promise<void> {
    try {
      await this.clean();
    } catch (error) {
      logger.warn({ err: error }, `old marks could not be removed from ${this.#table}`);
    }
  }
}

/** Rejects when the handler's time is over, so that what it holds is free when the message is tried again. */
async function withinItsTime(handle: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([aborted, handle()]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
