import { MAX_NUMBER, splitId } from './ledger-ids.js';
import {
  countEach,
  type Finding,
  type LedgerCounts,
  type Lost,
  type Outcome,
  PublisherLedger,
} from './publisher-ledger.js';

/** How many ids an error names of each kind. */
const NAMED = 5;
/** How many texts are kept that were seen and are no ids. */
const STRANGERS_KEPT = 100;

/** All that a {@link Ledger} found, as plain data. */
export interface LedgerReport extends LedgerCounts {
  /** By publisher; `lost` there says where. */
  readonly publishers: Readonly<Record<string, Omit<LedgerCounts, 'lost'> & { readonly lost: Lost }>>;
}

/** What {@link Ledger.check} lets pass. */
export interface CheckOptions {
  /** Messages that were seen more than once. Refused by default. */
  readonly allowDuplicates?: boolean;
}

/**
 * Keeps account of messages under faults: what publishers tried, what they were told, and what one reader saw. Several
 * readers of the same messages need a ledger each.
 *
 * Ids are `<publisher>-<n>` with n from 1 up to 16,777,216; they may come in any order. A message costs one byte, two
 * at most while a publisher's table grows.
 */
export class Ledger {
  readonly #publishers = new Map<string, PublisherLedger>();
  #strangers = 0;
  readonly #strangersKept: string[] = [];

  /** Takes the publisher's next number, notes the attempt, and returns the id. */
  attempt(publisher: string): string {
    const id = `${publisher}-${this.#of(publisher).highest + 1}`;
    this.attempted(id);
    return id;
  }

  /** A publisher is about to send this one. */
  attempted(id: string): void {
    const { publisher, n } = this.#split(id);
    this.#of(publisher).attempt(n);
  }

  /** It was promised that it arrives. Like each outcome it replaces an earlier one: what was learned last holds. */
  acknowledged(id: string): void {
    this.#settle(id, 'acknowledged');
  }

  /** It was refused: the publisher knows that it was not taken. */
  rejected(id: string): void {
    this.#settle(id, 'rejected');
  }

  /** Nobody knows, such as after a timeout or a lost connection. */
  unconfirmed(id: string): void {
    this.#settle(id, 'unconfirmed');
  }

  /** The reader has it. Any text may be seen: what is no id is unexpected. */
  seen(id: string): void {
    const parts = splitId(id);
    if (parts) {
      this.#of(parts.publisher).see(parts.n);
    } else {
      this.#strangers += 1;
      if (this.#strangersKept.length < STRANGERS_KEPT) this.#strangersKept.push(id);
    }
  }

  /** How many were acknowledged and never seen. Cheap, so that a test may ask it again and again. */
  get lost(): number {
    return this.#count('lost');
  }

  /** How many were seen more than once. */
  get duplicated(): number {
    return this.#count('duplicated');
  }

  /** How many were seen and never attempted. */
  get unexpected(): number {
    return this.#count('unexpected');
  }

  /** How many were seen although nobody had acknowledged them: legal. */
  get recovered(): number {
    return this.#count('recovered');
  }

  /** The ids of one kind, publisher by publisher, in the order of their numbers. */
  *ids(finding: Finding): Generator<string> {
    for (const [publisher, ledger] of this.#publishers) {
      for (const n of ledger.numbers(finding)) yield `${publisher}-${n}`;
    }
    if (finding === 'unexpected') yield* this.#strangersKept;
  }

  report(): LedgerReport {
    const publishers = [...this.#publishers].map(([name, ledger]) => [
      name,
      { ...countEach((finding) => ledger.count(finding)), lost: ledger.lost() },
    ]);
    return { ...countEach((finding) => this.#count(finding)), publishers: Object.fromEntries(publishers) };
  }

  toJSON(): LedgerReport {
    return this.report();
  }

  /** All that counts, in one line for people. */
  line(): string {
    const { publishers, ...all } = this.report();
    const where = { prefix: 0, middle: 0, tail: 0 };
    for (const { lost } of Object.values(publishers)) {
      for (const part of ['prefix', 'middle', 'tail'] as const) where[part] += lost[part];
    }
    const n = (finding: Finding) => `${all[finding].toLocaleString('en')} ${finding}`;
    const lost = all.lost > 0 ? ` (prefix ${where.prefix}, middle ${where.middle}, tail ${where.tail})` : '';
    const outcomes = (['acknowledged', 'rejected', 'unconfirmed', 'open'] as const).map(n).join(', ');
    const recovered = `${n('recovered')} (rejected ${all.rejectedButSeen})`;
    return `${n('attempted')} = ${outcomes}; ${n('seen')}: ${n('lost')}${lost}, ${n('duplicated')}, ${n('unexpected')}, ${recovered}`;
  }

  toString(): string {
    return this.line();
  }

  /**
   * Throws an `Error` with {@link Ledger.line} and the first ids when something was lost or unexpected, or duplicated
   * without leave. Also when nothing was attempted, which proves nothing.
   */
  check({ allowDuplicates = false }: CheckOptions = {}): void {
    const refused = (['lost', 'unexpected', ...(allowDuplicates ? [] : (['duplicated'] as const))] as const).filter(
      (finding) => this.#count(finding) > 0,
    );
    if (refused.length === 0 && this.#count('attempted') > 0) return;
    const examples = refused.map((finding) => `${finding}: ${this.#first(finding)}`);
    throw new Error([refused.length > 0 ? this.line() : 'Nothing was attempted.', ...examples].join('\n'));
  }

  #first(finding: Finding): string {
    const ids = [];
    for (const id of this.ids(finding)) {
      if (ids.length === NAMED) return `${ids.join(', ')}, …`;
      ids.push(id);
    }
    return ids.join(', ');
  }

  #count(finding: Finding): number {
    let count = finding === 'seen' || finding === 'unexpected' ? this.#strangers : 0;
    for (const ledger of this.#publishers.values()) count += ledger.count(finding);
    return count;
  }

  #settle(id: string, outcome: Outcome): void {
    const { publisher, n } = this.#split(id);
    const ledger = this.#of(publisher);
    if (!ledger.wasAttempted(n)) {
      throw new Error(`${id} is ${outcome}, but was not attempted: note the attempt before the message is sent.`);
    }
    ledger.settle(n, outcome);
  }

  #split(id: string) {
    const parts = splitId(id);
    if (parts) return parts;
    throw new TypeError(`${JSON.stringify(id)} is no id: <publisher>-<n> is needed, with n from 1 to ${MAX_NUMBER}.`);
  }

  #of(publisher: string): PublisherLedger {
    const known = this.#publishers.get(publisher);
    if (known) return known;
    const ledger = new PublisherLedger();
    this.#publishers.set(publisher, ledger);
    return ledger;
  }
}
