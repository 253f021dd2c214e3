import type { Case, ContenderName, Measurement, Row, Variant } from '../cases/case.js';
import type { Request } from './arguments.js';
import { isPeer } from './contenders.js';
import type { Measured } from './measure.js';
import { inRound } from './order.js';
import type { CaseResult, RowResult } from './result.js';

/** What a run needs of the outside. */
export interface Outside {
  /** Measures a row once. Rejects where a message is missing, or came twice, or out of order. */
  measure(measurement: Measurement, row: Row): Promise<Measured>;
  /** Why a contender can't run here. Undefined: it can. */
  absence(contender: ContenderName): string | undefined;
  /** One line while it works. */
  progress(text: string): void;
}

type Asked = Pick<Request, 'contenders' | 'rounds' | 'smoke'>;

/** A row on its way through the rounds. */
interface Entry {
  readonly variant: Variant;
  readonly row: Row;
  readonly samples: Measured[];
  /** Why it is not measured, or not any more: then it has no figure. */
  trouble: string | undefined;
}

/** Measures a case in rounds, each of which has all that is held against each other, in another order. */
export async function runCase(one: Case, asked: Asked, outside: Outside): Promise<CaseResult> {
  const { name, title, explains, compares, columns, againstFirst = false } = one;
  const variants = one.variants.filter((variant) => !asked.smoke || variant.name === one.smoke);
  const entries = variants.map((variant) => entriesOf(variant, asked, outside));
  for (const group of againstFirst ? [entries.flat()] : entries) await runRounds(one, group, asked, outside);
  return {
    name,
    title,
    explains,
    compares,
    columns,
    againstFirst,
    variants: variants.map((variant, index) => ({
      name: variant.name,
      base: variant.base,
      rows: (entries[index] ?? []).map(resultOf),
    })),
  };
}

function entriesOf(variant: Variant, { contenders, smoke }: Asked, { absence }: Outside): Entry[] {
  // Peers are not what a smoke is about, and are not there in CI.
  const isAsked = ({ contender }: Row) => contenders?.includes(contender) ?? !(smoke && isPeer(contender));
  return variant.rows.filter(isAsked).map((row) => ({ variant, row, samples: [], trouble: absence(row.contender) }));
}

async function runRounds(one: Case, entries: readonly Entry[], { rounds }: Asked, outside: Outside) {
  const able = entries.filter(({ trouble }) => trouble === undefined);
  for (let round = 0; round < Math.min(rounds, one.rounds ?? rounds); round++) {
    // What failed once is not measured again.
    for (const entry of inRound(able, round).filter(({ trouble }) => trouble === undefined)) {
      const { variant, row } = entry;
      await runOnce(one, entry, `${one.name}, ${variant.name}, ${row.name}, round ${round + 1}`, outside);
    }
  }
}

async function runOnce({ measurement }: Case, entry: Entry, where: string, { measure, progress }: Outside) {
  progress(where);
  try {
    entry.samples.push(await measure(measurement, entry.row));
  } catch (error) {
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    entry.trouble = `failed: ${message.split('\n')[0] ?? ''}`;
    progress(`✗ ${where}: ${stack}`);
  }
}

const resultOf = ({ row, samples, trouble }: Entry): RowResult => ({
  name: row.name,
  samples: trouble === undefined ? samples : [],
  trouble,
});

/** Whether a row could not be measured, apart from those that are not installed. */
export const hasFailed = ({ variants }: CaseResult): boolean =>
  variants.some(({ rows }) => rows.some(({ trouble }) => trouble?.startsWith('failed') === true));

/** Whether anything of it was asked for. */
export const hasRows = ({ variants }: CaseResult): boolean => variants.some(({ rows }) => rows.length > 0);
