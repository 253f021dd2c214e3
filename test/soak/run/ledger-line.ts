import type { Check, Finding } from './figure.js';
import { holds } from './figure.js';

/** The one line that a run prints for a figure. */
export function ledgerLine(name: string, { did, checks }: Finding, tookMs: number): string {
  const mark = checks.every(holds) ? '✓' : '✗';
  return `${mark} ${name}: ${did}: ${checks.map(checkText).join(' · ')} (${(tookMs / 1_000).toFixed(1)} s)`;
}

function checkText(check: Check): string {
  const { what, measured, unit, bar, controlMs } = check;
  const wanted = barText(bar);
  const stalled = controlMs === undefined ? '' : ` + ${number(controlMs)} of the control`;
  const text = `${what} ${number(measured)}${suffix(unit)} (${wanted}${stalled})`;
  return holds(check) ? text : `✗ ${text}`;
}

function barText(bar: Check['bar']): string {
  if ('exactly' in bar) return `= ${number(bar.exactly)}`;
  return 'atLeast' in bar ? `≥ ${number(bar.atLeast)}` : `≤ ${number(bar.atMost)}`;
}

const suffix = (unit: Check['unit']) => (unit === undefined ? '' : unit === '×' ? '×' : ` ${unit}`);

const number = (value: number) =>
  value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 });
