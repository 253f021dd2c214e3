import type { CaseResult, RowResult, VariantResult } from '../run/result.js';
import { type Metric, metrics } from '../run/sample.js';
import { median } from '../run/statistics.js';

/** The cells of a case's table, as text. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const UNKNOWN = '–';

/** A table of medians: a row for each contender of each variant. */
export function tableOf({ compares, columns, variants, againstFirst }: CaseResult): Table {
  const { title } = metrics[compares];
  const header = ['', 'contender', `${title} (median)`, 'lowest – highest', ratioTitle(againstFirst)];
  return {
    header: [...header, ...columns.map((metric) => metrics[metric].title)],
    rows: variants.flatMap((variant) =>
      variant.rows.map((row, index) => {
        const name = index === 0 ? variant.name : '';
        if (row.samples.length === 0) {
          return [name, row.name, row.trouble ?? UNKNOWN, ...new Array(header.length - 3 + columns.length).fill('')];
        }
        const base = baseOf(row, variant, againstFirst ? variants[0] : undefined);
        const range = valuesOf(row, compares);
        const lowest = shown(compares, Math.min(...range));
        return [
          name,
          row.name,
          shownMedian(row, compares),
          `${lowest} – ${shown(compares, Math.max(...range))}`,
          ratioText(ratio(row, base, compares)),
          ...columns.map((metric) => shownMedian(row, metric)),
        ];
      }),
    ),
  };
}

/** How many times the base's median a row's is. Undefined where one of them was not measured. */
export function ratio(row: RowResult, base: RowResult | undefined, metric: Metric): number | undefined {
  if (base === undefined || base.samples.length === 0 || row.samples.length === 0) return undefined;
  const against = median(valuesOf(base, metric));
  return against === 0 ? undefined : median(valuesOf(row, metric)) / against;
}

/** The row that another one is held against: that of its name in the first variant, if there is one, else the base. */
export function baseOf(
  row: RowResult,
  { rows, base }: VariantResult,
  first: VariantResult | undefined,
): RowResult | undefined {
  if (first !== undefined) return first.rows.find(({ name }) => name === row.name);
  return rows.find(({ name }) => name === base);
}

const ratioTitle = (againstFirst: boolean) => (againstFirst ? '× the first' : '× the base');
export const ratioText = (value: number | undefined): string =>
  value === undefined ? UNKNOWN : `${value.toFixed(2)} ×`;

export const valuesOf = ({ samples }: RowResult, metric: Metric): readonly number[] =>
  samples.map(({ values }) => values[metric]).filter((value) => value !== undefined);

export function shownMedian(row: RowResult, metric: Metric): string {
  const values = valuesOf(row, metric);
  return values.length === 0 ? UNKNOWN : shown(metric, median(values));
}

function shown(metric: Metric, value: number): string {
  const { digits } = metrics[metric];
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** For a terminal: columns under each other, numbers to the right. */
export function textTable({ header, rows }: Table): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (isMessage(row) && column === 2 ? 0 : (row[column]?.length ?? 0)))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(header), ...rows.map(line)].join('\n');
}

/** A row that has a sentence in place of figures. */
const isMessage = (row: readonly string[]) => row[3] === '';

/** For a page. */
export function markdownTable({ header, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = header.map((_, column) => (column < 2 ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}
