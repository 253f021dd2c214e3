import { printable } from '@terabus/core/transport';
import { BusError } from '@terabus/messages';

/** Where the tables are. The same names go to `migrate`, `SqlInbox` and `SqlOutbox`. */
export interface TableNames {
  /** Defaults to `public`. */
  readonly schema?: string | undefined;
  /** Defaults to `terabus_inbox`. */
  readonly inbox?: string | undefined;
  /** Defaults to `terabus_outbox`: a service that shares its database with others has one of its own. */
  readonly outbox?: string | undefined;
}

/** Names as they go into statements: quoted, with their schema where they have one. */
export interface Tables {
  readonly schema: string;
  readonly inbox: string;
  readonly inboxIndex: string;
  readonly outbox: string;
  readonly outboxIndex: string;
  readonly failedIndex: string;
  /** The lease of the one relay that sends. */
  readonly relay: string;
  /** The sequence of places in the order of commits. */
  readonly places: string;
  readonly place: string;
  readonly trigger: string;
}

/** With the longest of the endings below, PostgreSQL's limit of 63 bytes is kept. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,47}$/;
const KNOWN: ReadonlySet<string> = new Set(['schema', 'inbox', 'outbox']);

/** @throws BusError `TERABUS_OPTIONS_INVALID` */
export function tablesOf(names: TableNames = {}): Tables {
  const unknown = Object.keys(names).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw invalid(`unknown option ${printable(unknown)}`);
  const schema = checked('schema', names.schema ?? 'public');
  const inbox = checked('inbox', names.inbox ?? 'terabus_inbox');
  const outbox = checked('outbox', names.outbox ?? 'terabus_outbox');
  const quoted = (name: string) => `"${name}"`;
  const inSchema = (name: string) => `${quoted(schema)}.${quoted(name)}`;
  const tables = {
    schema: quoted(schema),
    inbox: inSchema(inbox),
    inboxIndex: quoted(`${inbox}_marked_at`),
    outbox: inSchema(outbox),
    outboxIndex: quoted(`${outbox}_place`),
    failedIndex: quoted(`${outbox}_failed`),
    relay: inSchema(`${outbox}_relay`),
    places: inSchema(`${outbox}_places`),
    place: inSchema(`${outbox}_set_place`),
    trigger: quoted(`${outbox}_at_commit`),
  };
  // Tables, indexes and sequences of a schema have their names from one pool.
  const ofInbox = [inbox, `${inbox}_marked_at`];
  const ofOutbox = ['', '_place', '_failed', '_relay', '_places'].map((end) => outbox + end);
  const both = ofInbox.find((name) => ofOutbox.includes(name));
  if (both !== undefined) throw invalid(`with 'inbox' ${inbox} and 'outbox' ${outbox}, both have a ${both}`);
  return tables;
}

function checked(option: string, name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw invalid(`'${option}' is 1 to 48 letters, digits and underscores, not ${printable(name)}`);
}

const invalid = (what: string) => new BusError(`names of tables: ${what}`, { reason: 'TERABUS_OPTIONS_INVALID' });
