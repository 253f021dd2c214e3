import type { CaseResult, Result, VariantResult } from '../run/result.js';
import { median } from '../run/statistics.js';
import { baseOf, ratio, valuesOf } from './table.js';

/** What the picture shows of the cases that hold contenders against each other: case and variant. */
export const shownVariants: readonly (readonly [string, string])[] = [
  ['events', '200 B'],
  ['batches', '16 in an envelope'],
  ['rpc', '1 in flight'],
  ['rpc', '1 in flight on awake cores'],
  ['rpc', '64 in flight'],
  ['messages', '200 B'],
  ['durable-publish', '200 B'],
  ['durable-handle', '200 B'],
  ['codec', 'encode 200 B'],
  ['codec', 'decode 200 B'],
];

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
  readonly isTerabus: boolean;
}

interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

// In pixels of the picture.
const WIDTH = 1_040;
const MARGIN = 24;
const GAP = 32;
const PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) / 2;
const LABEL_WIDTH = 192;
const VALUE_WIDTH = 148;
const HEAD = 40;
const BAR = 24;
const FOOT = 18;

/** The picture of a run, as SVG for light and dark pages: what is handled in a second, and time by event as work grows. */
export function renderPicture({ cases }: Result): string {
  const panels = [...comparedPanels(cases), ...growingPanels(cases)];
  let top = MARGIN;
  const parts: string[] = [];
  for (let index = 0; index < panels.length; index += 2) {
    const pair = panels.slice(index, index + 2);
    parts.push(...pair.map((panel, column) => panelAt(panel, MARGIN + column * (PANEL_WIDTH + GAP), top)));
    top += HEAD + Math.max(...pair.map(({ bars }) => bars.length)) * BAR + FOOT;
  }
  const height = top + MARGIN - FOOT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc">
  <title id="title">What Terabus costs beside others</title>
  <desc id="desc">${panels.map(described).join(' ')}</desc>
  <style>
    .p { fill: #f8fafc } .t { fill: #2563eb } .o { fill: #94a3b8 }
    text { fill: #0f172a; font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
    .h { font-size: 14px; font-weight: 600 } .u { fill: #475569; font-weight: 400; font-size: 12px } .b { font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .p { fill: #0f172a } .t { fill: #60a5fa } .o { fill: #64748b } text { fill: #f1f5f9 } .u { fill: #cbd5e1 }
    }
  </style>
  <rect class="p" width="${WIDTH}" height="${height}" rx="12"/>
${parts.join('\n')}
</svg>
`;
}

function comparedPanels(cases: readonly CaseResult[]): Panel[] {
  return shownVariants.flatMap(([name, variantName]) => {
    const one = cases.find((each) => each.name === name);
    const variant = one?.variants.find((each) => each.name === variantName);
    if (one === undefined || variant === undefined) return [];
    const title = `${one.title}: ${variantName}`;
    return panelOf(title, 'per second', barsOf(variant));
  });
}

function barsOf(variant: VariantResult): Bar[] {
  return variant.rows
    .filter(({ samples }) => samples.length > 0)
    .map((row) => {
      const value = median(valuesOf(row, 'perSecond'));
      const times = ratio(row, baseOf(row, variant, undefined), 'perSecond');
      const text = `${thousands(value)}${times === undefined ? '' : ` · ${times.toFixed(2)} ×`}`;
      return { label: row.name, value, text, isTerabus: row.name.startsWith('Terabus') };
    });
}

/** How long Terabus takes for an event while there is more and more of something. */
function growingPanels(cases: readonly CaseResult[]): Panel[] {
  return cases
    .filter(({ againstFirst }) => againstFirst)
    .flatMap(({ title, variants }) => {
      const bars = variants.flatMap(({ name, rows }) => {
        const row = rows.find((each) => each.name === 'Terabus');
        if (row === undefined || row.samples.length === 0) return [];
        const value = 1e6 / median(valuesOf(row, 'perSecond'));
        return [{ label: name, value, text: value.toFixed(1), isTerabus: true }];
      });
      return panelOf(title, 'µs by event, Terabus', bars);
    });
}

const panelOf = (title: string, unit: string, bars: readonly Bar[]): Panel[] =>
  bars.length === 0 ? [] : [{ title, unit, bars }];

function panelAt({ title, unit, bars }: Panel, left: number, top: number): string {
  const most = Math.max(...bars.map(({ value }) => value));
  const room = PANEL_WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const lines = bars.flatMap(({ label, value, text, isTerabus }, index) => {
    const y = top + HEAD + index * BAR;
    const width = Math.max(1, (value / most) * room);
    const begin = left + LABEL_WIDTH;
    const bold = isTerabus ? ' class="b"' : '';
    return [
      `  <text${bold} x="${begin - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>`,
      `  <rect class="${isTerabus ? 't' : 'o'}" x="${begin}" y="${y}" width="${width.toFixed(1)}" height="16" rx="3"/>`,
      `  <text${bold} x="${(begin + width + 6).toFixed(1)}" y="${y + 12}">${escaped(text)}</text>`,
    ];
  });
  const head = `  <text class="h" x="${left}" y="${top + 22}">${escaped(title)} <tspan class="u">${escaped(unit)}</tspan></text>`;
  return [head, ...lines].join('\n');
}

const described = ({ title, unit, bars }: Panel): string =>
  escaped(`${title}, ${unit}: ${bars.map(({ label, text }) => `${label} ${text}`).join(', ')}.`);

const thousands = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
