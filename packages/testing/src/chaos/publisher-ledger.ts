/** Where acknowledged messages are missing: before all that were seen of a publisher, between them, or behind them. */
export interface Lost {
  readonly prefix: number;
  readonly middle: number;
  readonly tail: number;
}

/** How many ids of each kind. */
export interface LedgerCounts {
  readonly attempted: number;
  readonly acknowledged: number;
  readonly rejected: number;
  readonly unconfirmed: number;
  /** Attempted, and nothing is known of what became of it. */
  readonly open: number;
  /** Seen at least once. */
  readonly seen: number;
  /** Acknowledged and not seen. */
  readonly lost: number;
  /** Seen more than once. */
  readonly duplicated: number;
  /** Seen and not attempted. */
  readonly unexpected: number;
  /** Seen although it was rejected, unconfirmed or open: legal, since nobody had said that it would not arrive. */
  readonly recovered: number;
  /** Those of `recovered` that were rejected. */
  readonly rejectedButSeen: number;
}

/** What became of a message, as its publisher learned it. */
export type Outcome = 'acknowledged' | 'rejected' | 'unconfirmed';

const ATTEMPTED = 1;
const SEEN = 2;
const SEEN_AGAIN = 4;
const OUTCOME = { acknowledged: 8, rejected: 16, unconfirmed: 32 } as const;
const ANY_OUTCOME = 8 | 16 | 32;

const is = {
  attempted: (flags: number) => (flags & ATTEMPTED) !== 0,
  acknowledged: (flags: number) => (flags & OUTCOME.acknowledged) !== 0,
  rejected: (flags: number) => (flags & OUTCOME.rejected) !== 0,
  unconfirmed: (flags: number) => (flags & OUTCOME.unconfirmed) !== 0,
  open: (flags: number) => (flags & (ATTEMPTED | ANY_OUTCOME)) === ATTEMPTED,
  seen: (flags: number) => (flags & SEEN) !== 0,
  lost: (flags: number) => (flags & (OUTCOME.acknowledged | SEEN)) === OUTCOME.acknowledged,
  duplicated: (flags: number) => (flags & SEEN_AGAIN) !== 0,
  unexpected: (flags: number) => (flags & (ATTEMPTED | SEEN)) === SEEN,
  recovered: (flags: number) =>
    (flags & (ATTEMPTED | SEEN)) === (ATTEMPTED | SEEN) && (flags & OUTCOME.acknowledged) === 0,
  rejectedButSeen: (flags: number) => (flags & OUTCOME.rejected) !== 0 && (flags & SEEN) !== 0,
} satisfies Record<keyof LedgerCounts, (flags: number) => boolean>;

/** What a message may turn out to be. */
export type Finding = keyof LedgerCounts;
const findings = Object.keys(is) as readonly Finding[];

/** A count for each kind. */
export const countEach = (count: (finding: Finding) => number): Record<Finding, number> =>
  Object.fromEntries(findings.map((finding) => [finding, count(finding)])) as Record<Finding, number>;

/** The messages of one publisher, a byte for each. */
export class PublisherLedger {
  #flags = new Uint8Array(1024);
  #highest = 0;
  /** By the value of the flags, so that a change costs two additions however many kinds there are. */
  readonly #tally = new Uint32Array(64);

  get highest(): number {
    return this.#highest;
  }

  wasAttempted(n: number): boolean {
    return is.attempted(this.#flags[n] ?? 0);
  }

  attempt(n: number): void {
    this.#set(n, ATTEMPTED, 0);
  }

  /** The last outcome is the one that holds. */
  settle(n: number, outcome: Outcome): void {
    this.#set(n, OUTCOME[outcome], ANY_OUTCOME);
  }

  see(n: number): void {
    this.#set(n, is.seen(this.#flags[n] ?? 0) ? SEEN_AGAIN : SEEN, 0);
  }

  count(finding: Finding): number {
    return this.#tally.reduce((sum, count, flags) => (is[finding](flags) ? sum + count : sum), 0);
  }

  *numbers(finding: Finding): Generator<number> {
    for (let n = 1; n <= this.#highest; n += 1) if (is[finding](this.#flags[n] ?? 0)) yield n;
  }

  lost(): Lost {
    let first = this.#highest + 1;
    let last = 0;
    for (const n of this.numbers('seen')) {
      // A number that nobody used says nothing about the others.
      if (!this.wasAttempted(n)) continue;
      first = Math.min(first, n);
      last = n;
    }
    const lost = { prefix: 0, middle: 0, tail: 0 };
    for (const n of this.numbers('lost')) lost[n > last ? 'tail' : n < first ? 'prefix' : 'middle'] += 1;
    return lost;
  }

  #set(n: number, added: number, removed: number): void {
    if (n >= this.#flags.length) {
      const longer = new Uint8Array(Math.max(n + 1, this.#flags.length * 2));
      longer.set(this.#flags);
      this.#flags = longer;
    }
    if (n > this.#highest) this.#highest = n;
    const before = this.#flags[n] as number;
    const after = (before & ~removed) | added;
    this.#flags[n] = after;
    if (before !== 0) this.#tally[before] = (this.#tally[before] as number) - 1;
    this.#tally[after] = (this.#tally[after] as number) + 1;
  }
}
