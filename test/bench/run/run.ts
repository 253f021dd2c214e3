import { atMost } from '../../soak/backlog/at-most.js';
import type { Case, Row, Variant } from '../cases/case.js';
import type { Amounts } from './amounts.js';
import type { Request } from './arguments.js';
import { absence, isPeer } from './contenders.js';
import { type Measured, measure } from './measure.js';
import { inRound } from './order.js';
import type { CaseResult, RowResult, VariantResult } from './result.js';

/** Where a run tells how far it is, and what has failed. */
export interface Watcher {
  progress(text: string): void;
}

/** So many rows at a time where nothing is measured. */
const SMOKE_AT_ONCE = 3;

/** Measures a case, one variant after another. */
export async function runCase(one: Case, request: Request, amounts: Amounts, watcher: Watcher): Promise<CaseResult> {
  const { name, title, explains, compares, columns, againstFirst = false } = one;
  const variants: VariantResult[] = [];
  for (const variant of one.variants) {
    if (request.smoke && variant.name !== one.smoke) continue;
    variants.push(await runVariant(one, variant, request, amounts, watcher));
  }
  return { name, title, explains, compares, columns, againstFirst, variants };
}

/** Measures the rows of a variant in rounds, each of which has all of them in another order. */
async function runVariant(
  one: Case,
  { name, base, rows }: Variant,
  { contenders, rounds, smoke }: Request,
  amounts: Amounts,
  { progress }: Watcher,
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
      samples.get(row)?.push(await measure[one.measurement](row, amounts));
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      troubles.set(row, `failed: ${text.split('\n')[0]}`);
      progress(`✗ ${where}: ${text}`);
    }
  };
  const most = Math.min(rounds, one.rounds ?? rounds);
  for (let round = 0; round < most; round++) {
    const order = inRound(able, round).filter((row) => !troubles.has(row));
    let begun = 0;
    await atMost(order.length, smoke ? SMOKE_AT_ONCE : 1, () => {
      const row = order[begun] as Row;
      begun += 1;
      return measureRow(row, round);
    });
  }
  return {
    name,
    base,
    rows: asked.map(
      (row): RowResult => ({ name: row.name, samples: samples.get(row) ?? [], trouble: troubles.get(row) }),
    ),
  };
}

/** Whether a row could not be measured, apart from those that are not installed. */
export const hasFailed = ({ variants }: CaseResult): boolean =>
  variants.some(({ rows }) => rows.some(({ trouble }) => trouble?.startsWith('failed') === true));
