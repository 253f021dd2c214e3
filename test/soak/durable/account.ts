import { createHash } from 'node:crypto';
import { Ledger } from '@terabus/testing/chaos';
import { type Check, count, time } from '../run/figure.js';
import { type Lying, readCopies } from './settled-reader.js';
import type { Written } from './writers-process.js';

/** A publish ends at its deadline: behind it comes what a busy event loop takes. */
const LATE_MS = 1_000;

/** What writers were told, held against what lies in their stream. */
export interface Account {
  /** Whether there is a stream. */
  readonly there: boolean;
  readonly checks: readonly Check[];
  /** How many messages lie in front of an earlier one of the same writer and topic. */
  readonly outOfOrder: number;
  /** How the copies differ, in words; undefined where they are alike. */
  readonly differ: string | undefined;
  /** What the writers' errors were, in words. */
  readonly outcome: string;
  readonly notes: readonly string[];
}

/** What one copy of a stream has. */
class Copy {
  /** How often which text. */
  readonly texts = new Map<string, number>();
  sameId = 0;
  outOfOrder = 0;
  readonly #ids = new Set<string>();
  readonly #last = new Map<string, number>();
  readonly #hash = createHash('sha256');
  #digest: string | undefined;

  add({ subject, sequence, text, messageId }: Lying): void {
    this.texts.set(text, (this.texts.get(text) ?? 0) + 1);
    this.#hash.update(`${sequence} ${text}\n`);
    if (this.#ids.has(messageId)) this.sameId += 1;
    this.#ids.add(messageId);
    const n = Number(text.slice(text.lastIndexOf('-') + 1));
    const last = this.#last.get(subject) ?? 0;
    if (n < last) this.outOfOrder += 1;
    this.#last.set(subject, Math.max(n, last));
  }

  /** The same for copies that have the same messages under the same numbers. */
  get digest(): string {
    this.#digest ??= this.#hash.digest('hex');
    return this.#digest;
  }
}

/** Reads the stream, once it is settled, and counts. */
export async function account(
  servers: readonly string[],
  stream: string,
  written: readonly Written[],
  controlMs: number,
): Promise<Account> {
  const ledger = new Ledger();
  for (const { writer, attempted, unknown, refused } of written) {
    const inDoubt = new Set(unknown);
    const not = new Set(refused);
    for (let n = 1; n <= attempted; n++) {
      const id = `${writer}-${n}`;
      ledger.attempted(id);
      if (inDoubt.has(n)) ledger.unconfirmed(id);
      else if (not.has(n)) ledger.rejected(id);
      else ledger.acknowledged(id);
    }
  }
  const copies = new Map<string, Copy>();
  const names = await readCopies(servers, stream, (lying, name) => {
    const copy = copies.get(name) ?? new Copy();
    copies.set(name, copy);
    copy.add(lying);
  });
  // Copies of 2.9 may come to differ: nothing is lost that one of them has, and what differs is told.
  const all = [...copies.values()];
  const [best = new Copy()] = all.toSorted((one, other) => other.texts.size - one.texts.size);
  const anywhere = new Set(all.flatMap(({ texts }) => [...texts.keys()]));
  for (const text of anywhere) for (let n = best.texts.get(text) ?? 1; n > 0; n--) ledger.seen(text);
  const differ = all.some(({ digest }) => digest !== best.digest)
    ? `the copies differ: ${[...copies].map(([name, { texts, sameId }]) => `${name} has ${texts.size} of ${anywhere.size}, ${sameId} of them twice`).join('; ')}`
    : undefined;
  const report = ledger.report();
  const final = written.flatMap((each) => each.final);
  const text = (value: number) => value.toLocaleString('en-US');
  const where = { prefix: 0, middle: 0, tail: 0 };
  for (const { lost } of Object.values(report.publishers)) {
    for (const part of ['prefix', 'middle', 'tail'] as const) where[part] += lost[part];
  }
  const total = (of: (each: Written) => number) => written.reduce((sum, each) => sum + of(each), 0);
  const gapMs = Math.max(...written.map(({ longestGapMs }) => longestGapMs));
  return {
    there: names !== undefined,
    outOfOrder: best.outOfOrder,
    differ,
    outcome:
      `${text(report.acknowledged)} acknowledged (${text(total(({ knownAlready }) => knownAlready))} of them stored before), ` +
      `${text(report.unconfirmed)} unknown (${text(report.recovered - report.rejectedButSeen)} of them stored), ` +
      `${text(report.rejected)} rejected; longest time without an acknowledgement ${text(Math.round(gapMs))} ms`,
    checks: [
      count('acknowledged and lost in front', where.prefix),
      count('in the middle', where.middle),
      count('at the end', where.tail),
      count('message ids stored twice', best.sameId),
      count('numbers stored twice', report.duplicated),
      count('stored and never published', report.unexpected),
      count('rejected and stored all the same', report.rejectedButSeen),
      count('errors that no second try mends', final.length),
      time(
        'answered behind a deadline by',
        Math.max(0, ...written.map(({ latestMs }) => latestMs)),
        LATE_MS,
        controlMs,
      ),
    ],
    notes: [
      ledger.line(),
      ...written.map(
        ({ writer, reasons, latestMs }) =>
          `${writer}: ${JSON.stringify(reasons)}, the latest ${Math.round(latestMs)} ms behind its deadline`,
      ),
      ...final,
    ],
  };
}
