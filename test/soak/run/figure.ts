import type { Control } from './control.js';
import type { Random } from './random.js';

/** How much is done: `small` in `npm test`, `short` and `long` in `npm run soak`. */
export type Scale = 'small' | 'short' | 'long';

/** One number and what it is held against. It holds if it is within the bar, the control's stall added. */
export interface Check {
  readonly what: string;
  readonly measured: number;
  /** Counts hold by themselves; times and memory depend on the machine too, and are not judged in `npm test`. */
  readonly kind: 'count' | 'time' | 'memory';
  readonly unit?: 'ms' | 'MB' | '×' | undefined;
  readonly bar: { readonly exactly: number } | { readonly atMost: number } | { readonly atLeast: number };
  /** How long an idle process was kept from running in the same window, in milliseconds. */
  readonly controlMs?: number | undefined;
}

/** What a figure came to. */
export interface Finding {
  /** What was done, with its counts. */
  readonly did: string;
  readonly checks: readonly Check[];
  /** What a reader of a failure wants to see. Goes to standard error. */
  readonly notes?: readonly string[] | undefined;
}

/** What a figure may use. */
export interface Soak {
  readonly random: Random;
  readonly control: Control;
  /** One line on standard error while the figure works. */
  progress(text: string): void;
}

/** One promise of Terabus, and how it is measured. */
export interface Figure {
  readonly name: string;
  /** A sentence that is true while the figure holds. */
  readonly promise: string;
  measure(scale: Scale, soak: Soak): Promise<Finding>;
}

/** Makes a figure of a measurement and its sizes. */
export function defineFigure<Size>(definition: {
  readonly name: string;
  readonly promise: string;
  readonly sizes: Readonly<Record<Scale, Size>>;
  readonly run: (size: Size, soak: Soak) => Promise<Finding>;
}): Figure {
  const { name, promise, sizes, run } = definition;
  return { name, promise, measure: (scale, soak) => run(sizes[scale], soak) };
}

/** A count that must be exactly so. */
export const count = (what: string, measured: number, exactly = 0): Check => ({
  what,
  measured,
  kind: 'count',
  bar: { exactly },
});

/** A count without which the others would say nothing. */
export const atLeast = (what: string, measured: number, least: number): Check => ({
  what,
  measured,
  kind: 'count',
  bar: { atLeast: least },
});

/** A time, and how long the control was kept from running in its own window. */
export interface Timed {
  readonly ms: number;
  readonly controlMs: number;
}

/** The time that a share of them does not exceed, each less the stall of its own window; with 1 the worst. */
export function quantile(times: readonly Timed[], share: number): Timed {
  const sorted = [...times].sort((one, other) => one.ms - one.controlMs - (other.ms - other.controlMs));
  return sorted[Math.ceil(sorted.length * share) - 1] ?? { ms: 0, controlMs: 0 };
}

/** A time in milliseconds, judged against the control's stall in its window. */
export const time = (what: string, measured: number, atMost: number, controlMs: number): Check => ({
  what,
  measured,
  kind: 'time',
  unit: 'ms',
  bar: { atMost },
  controlMs,
});

/** Megabytes (2^20 bytes). */
export const memory = (what: string, bytes: number, atMostBytes: number): Check => ({
  what,
  measured: bytes / 2 ** 20,
  kind: 'memory',
  unit: 'MB',
  bar: { atMost: atMostBytes / 2 ** 20 },
});

/** How many times as much. */
export const times = (what: string, measured: number, atMost: number): Check => ({
  what,
  measured,
  kind: 'memory',
  unit: '×',
  bar: { atMost },
});

export function holds({ measured, bar, controlMs = 0 }: Check): boolean {
  if ('exactly' in bar) return measured === bar.exactly;
  return 'atLeast' in bar ? measured >= bar.atLeast : measured <= bar.atMost + controlMs;
}
