import { atMost } from '../../soak/backlog/at-most.js';
import type { Case, ContenderName, Measurement, Row, Variant } from '../cases/case.js';
import type { Request } from './arguments.js';
import { isPeer } from './contenders.js';
import type { Measured } from './measure.js';
import { inRound } from './order.js';
import type { CaseResult, RowResult, VariantResult } from './result.js';

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

/** So many rows at a time where nothing is measured. */
const SMOKE_AT_ONCE = 3;

/** Measures a case, one variant after another. */
export async function runCase(one: Case, asked: Asked, outside: Outside): Promise<CaseResult> {
  const { name, title, explains, compares, columns, againstFirst = false } = one;
  const variants: VariantResult[] = [];
  for (const variant of one.variants) {
    if (asked.smoke && variant.name !== one.smoke) continue;
    variants.push(await runVariant(one, variant, asked, outside));
  }
  return { name, title, explains, compares, columns, againstFirst, variants };
}

/** Measures the rows of a variant in rounds, each of which has all of them in another order. */
async function runVariant(
  one: Case,
  { name, base, rows }: Variant,
  { contenders, rounds, smoke }: Asked,
  { measure, absence, progress }: Outside,
): Promise<VariantResult> {
  // Peers are not what a smoke is about, and are not there in CI.
  const asked = rows.filter(({ contender }) => contenders?.includes(contender) ?? !(smoke && isPeer(contender)));
  const samples = new Map<Row, Measured[]>(asked.map((row) => [row, []]));
  const troubles = new Map<Row, string>();
  for (const row of asked) {
    const absent = absence(row.contender);
    if (absent !== undefined) troubles.set(row, absent);
  }
  const able = asked.filter((row) => !troubles.has(row));

  const measureRow = async (row: Row, round: number) => {
    const where = `${one.name}, ${name}, ${row.name}`;
    progress(`${where}${smoke ? '' : `, round ${round + 1}`}`);
    try {
      samples.get(row)?.push(await measure(one.measurement, row));
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      troubles.set(row, `failed: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : text}`);
      progress(`✗ ${where}: ${text}`);
    }
  };
  for (let round = 0; round < Math.min(rounds, one.rounds ?? rounds); round++) {
    // What failed once is not measured again: it has no figure any more.
    const order = inRound(able, round).filter((row) => !troubles.has(row));
    let begun = 0;
    await atMost(order.length, smoke ? SMOKE_AT_ONCE : 1, () => {
      const row = order[begun] as Row;
      begun += 1;
      return measureRow(row, round);
    });
  }
  const resultOf = (row: Row): RowResult => {
    const trouble = troubles.get(row);
    return { name: row.name, samples: trouble === undefined ? (samples.get(row) ?? []) : [], trouble };
  };
  return { name, base, rows: asked.map(resultOf) };
}

/** Whether a row could not be measured, apart from those that are not installed. */
export const hasFailed = ({ variants }: CaseResult): boolean =>
  variants.some(({ rows }) => rows.some(({ trouble }) => trouble?.startsWith('failed') === true));
