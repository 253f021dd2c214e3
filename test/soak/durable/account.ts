import { Ledger } from '@terabus/testing/chaos';
import { type Check, count, time } from '../run/figure.js';
import { readSettled } from './settled-reader.js';
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
  /** What the writers' errors were, in words. */
  readonly outcome: string;
  readonly notes: readonly string[];
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
  const ids = new Set<string>();
  const last = new Map<string, number>();
  let sameId = 0;
  let outOfOrder = 0;
  const there = await readSettled(servers, stream, ({ subject, text, messageId }) => {
    ledger.seen(text);
    if (ids.has(messageId)) sameId += 1;
    ids.add(messageId);
    const n = Number(text.slice(text.lastIndexOf('-') + 1));
    if (n < (last.get(subject) ?? 0)) outOfOrder += 1;
    last.set(subject, Math.max(n, last.get(subject) ?? 0));
  });
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
    there,
    outOfOrder,
    outcome:
      `${text(report.acknowledged)} acknowledged (${text(total(({ knownAlready }) => knownAlready))} of them stored before), ` +
      `${text(report.unconfirmed)} unknown (${text(report.recovered - report.rejectedButSeen)} of them stored), ` +
      `${text(report.rejected)} rejected; longest time without an acknowledgement ${text(Math.round(gapMs))} ms`,
    checks: [
      count('acknowledged and lost in front', where.prefix),
      count('in the middle', where.middle),
      count('at the end', where.tail),
      count('message ids stored twice', sameId),
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
