import type { Database, Query } from './database.js';
import type { Tables } from './names.js';
import { inTransaction } from './transaction.js';

/** A message as it is stored. */
export interface Parcel {
  readonly messageId: string;
  readonly topic: string;
  readonly template: string;
  readonly content: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** How often it was refused. */
  readonly tries: number;
}

/** A message that was given up. */
export interface Stuck {
  readonly messageId: string;
  readonly topic: string;
  readonly tries: number;
  /** What it was refused with, last. */
  readonly error: string;
  readonly storedAt: Date;
  readonly failedAt: Date;
}

/** How an outbox is. */
export interface OutboxState {
  /** How many messages are to be sent. */
  readonly waiting: number;
  /** For how many milliseconds the oldest of them waits, by the database's clock; 0 where none does. */
  readonly oldestMs: number;
  /** How many were given up. */
  readonly failed: number;
}

/** What a round of a relay asks for. */
export interface Demand {
  readonly holder: string;
  readonly leaseMs: number;
  /** What has been sent since the last round, and goes. */
  readonly sent: readonly string[];
  readonly templates: readonly string[];
  readonly messages: number;
  readonly bytes: number;
}

/** Where messages are between their commit and their sending: the statements on the outbox's tables. */
export class Shelf {
  readonly #database: Database;
  readonly #tables: Tables;

  constructor(database: Database, tables: Tables) {
    this.#database = database;
    this.#tables = tables;
  }

  /**
   * Removes what has been sent, takes or prolongs the lease, and reads what is next; undefined where somebody else has
   * the lease. One transaction, which waits for nothing but the database: nothing is held while messages are sent.
   */
  next(demand: Demand): Promise<readonly Parcel[] | undefined> {
    return inTransaction(this.#database, async (query) => {
      await this.#remove(query, demand.sent);
      return (await this.#lease(query, demand)) ? this.#read(query, demand) : undefined;
    });
  }

  /** Removes what has been sent, and gives the lease back. */
  leave(holder: string, sent: readonly string[]): Promise<void> {
    return inTransaction(this.#database, async (query) => {
      await this.#remove(query, sent);
      await query(`delete from ${this.#tables.relay} where holder = $1`, [holder]);
    });
  }

  /** Notes what a message was refused with; with `failed`, it is given up. */
  refuse(messageId: string, tries: number, error: string, failed: boolean): Promise<void> {
    return inTransaction(this.#database, async (query) => {
      await query(
        `update ${this.#tables.outbox} set tries = $2, error = $3,
           failed_at = case when $4::boolean then clock_timestamp() end
         where message_id = $1 and failed_at is null`,
        // PostgreSQL's texts have no NUL.
        [messageId, tries, error.replaceAll('\0', ' ').slice(0, 1_000), failed],
      );
    });
  }

  async state(): Promise<OutboxState> {
    const [row] = await this.#rows(
      `select count(*) filter (where failed_at is null)::text as waiting,
         count(*) filter (where failed_at is not null)::text as failed,
         coalesce(extract(epoch from clock_timestamp() - min(stored_at) filter (where failed_at is null)) * 1000, 0)::text
           as oldest_ms
       from ${this.#tables.outbox}`,
    );
    return {
      waiting: Number(row?.['waiting']),
      oldestMs: Math.max(0, Math.round(Number(row?.['oldest_ms']))),
      failed: Number(row?.['failed']),
    };
  }

  async failed(limit: number): Promise<readonly Stuck[]> {
    const rows = await this.#rows(
      `select message_id, topic, tries, error, (extract(epoch from stored_at) * 1000)::text as stored_ms,
         (extract(epoch from failed_at) * 1000)::text as failed_ms
       from ${this.#tables.outbox} where failed_at is not null order by place limit $1`,
      [limit],
    );
    return rows.map((row) => ({
      messageId: String(row['message_id']),
      topic: String(row['topic']),
      tries: Number(row['tries']),
      error: String(row['error']),
      storedAt: new Date(Number(row['stored_ms'])),
      failedAt: new Date(Number(row['failed_ms'])),
    }));
  }

  async again(messageId: string): Promise<boolean> {
    const rows = await this.#rows(
      `update ${this.#tables.outbox} set failed_at = null, tries = 0
       where message_id = $1 and failed_at is not null returning 1`,
      [messageId],
    );
    return rows.length > 0;
  }

  async discard(messageId: string): Promise<boolean> {
    const rows = await this.#rows(
      `delete from ${this.#tables.outbox} where message_id = $1 and failed_at is not null returning 1`,
      [messageId],
    );
    return rows.length > 0;
  }

  #rows(text: string, parameters: readonly unknown[] = []) {
    return inTransaction(this.#database, async (query) => (await query(text, parameters)).rows);
  }

  async #remove(query: Query, sent: readonly string[]): Promise<void> {
    if (sent.length === 0) return;
    await query(
      `delete from ${this.#tables.outbox} where message_id in (select json_array_elements_text($1::text::json))`,
      [JSON.stringify(sent)],
    );
  }

  async #lease(query: Query, { holder, leaseMs }: Demand): Promise<boolean> {
    const { rows } = await query(
      `insert into ${this.#tables.relay} as lease (holder, until)
       values ($1, clock_timestamp() + $2 * interval '1 millisecond')
       on conflict (only_one) do update set holder = excluded.holder, until = excluded.until
       where lease.holder = $1 or lease.until < clock_timestamp()
       returning 1`,
      [holder, leaseMs],
    );
    return rows.length > 0;
  }

  /** The first of each topic are found by the index, however much is stored. */
  async #read(query: Query, { templates, messages, bytes }: Demand): Promise<readonly Parcel[]> {
    const { outbox } = this.#tables;
    // An outbox is nearly empty most of the time, and known as such: the planner would sort all of a sudden backlog.
    await query(`select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`);
    const { rows } = await query(
      `with first as (
         select message_id, place, bytes from json_array_elements_text($1::text::json) as topic (template)
         cross join lateral (
           select message_id, place, octet_length(content) as bytes from ${outbox} as stored
           where stored.template = topic.template and failed_at is null order by place limit $2
         ) as of_topic
         order by place, message_id limit $2
       ), measured as (
         select message_id, sum(bytes) over (order by place, message_id) - bytes as before from first
       )
       select message_id, topic, template, encode(content, 'base64') as content, headers, tries
       from measured join ${outbox} using (message_id) where before < $3 order by place, message_id`,
      [JSON.stringify(templates), messages, bytes],
    );
    return rows.map((row) => ({
      messageId: String(row['message_id']),
      topic: String(row['topic']),
      template: String(row['template']),
      content: Buffer.from(String(row['content']), 'base64'),
      headers: JSON.parse(String(row['headers'])),
      tries: Number(row['tries']),
    }));
  }
}
