import { titles } from '../cases/rows.js';
import type { CaseResult, VariantResult } from '../run/result.js';
import { metrics } from '../run/sample.js';
import { shownVariants } from './picture.js';
import { ratio, ratioText, shownMedian, type Table } from './table.js';

/** What Terabus does in a second beside each of the others: a row for each variant that the picture shows. */
export function summaryOf(cases: readonly CaseResult[]): Table {
  const header = ['', `Terabus, ${metrics.perSecond.title}`, '× by hand', `× ${titles.nest}`, `× ${titles.moleculer}`];
  const measured = shownVariants.flatMap(([name, shown]) => {
    const one = cases.find((each) => each.name === name);
    const variant = one?.variants.find((each) => each.name === shown);
    return one === undefined || variant === undefined ? [] : [rowOf(one, variant)];
  });
  return { header, rows: measured };
}

function rowOf({ title, compares }: CaseResult, { name, rows, base }: VariantResult): readonly string[] {
  const find = (contender: string) => rows.find((row) => row.name === contender);
  const terabus = find(titles.terabus);
  if (terabus === undefined) return [`${title}, ${name}`, '–', '–', '–', '–'];
  const beside = [base, titles.nest, titles.moleculer].map((other) => ratioText(ratio(terabus, find(other), compares)));
  return [`${title}, ${name}`, shownMedian(terabus, compares), ...beside];
}
