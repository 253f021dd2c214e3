// Inbox and outbox of a service over PostgreSQL.
export { type PgClient, type Pglite, type PgPool, pgDatabase, pgliteDatabase } from './adapters.js';
export type { Database, Query } from './database.js';
export { SqlInbox, type SqlInboxOptions } from './inbox.js';
export { migrate } from './migrate.js';
export type { TableNames } from './names.js';
export { type OutboxOptions, type OutboxState, SqlOutbox, type StoreOptions, type Stuck } from './outbox.js';
export type { Relay, RelayOptions } from './relay.js';
