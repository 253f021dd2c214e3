import { MAX_SEQ, step } from './serial.js';

/** Sequence numbers from `first` to `last`, both included; `first <= last`, so none reaches across the wrap. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/**
 * A set of sequence numbers: ranges in ascending order that neither overlap nor touch. Never changed in place, so
 * that whoever holds one may keep it.
 */
export type SequenceRanges = readonly SequenceRange[];

/** The empty set. One object, so that the usual case allocates nothing. */
export const NO_RANGES: SequenceRanges = Object.freeze([]);

/** What lies in one or the other. */
export function union(a: SequenceRanges, b: SequenceRanges): SequenceRanges {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  const merged: { first: number; last: number }[] = [];
  for (const { first, last } of [...a, ...b].sort((x, y) => x.first - y.first)) {
    const previous = merged.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else merged.push({ first, last });
  }
  return merged;
}

/** What lies in `ranges` and not in `removed`. */
export function without(ranges: SequenceRanges, removed: SequenceRanges): SequenceRanges {
  // A message that was handed over named exactly what its sender still keeps, nearly always.
  if (ranges === removed) return NO_RANGES;
  let rest = ranges;
  for (const hole of removed) {
    rest = rest.flatMap(({ first, last }) =>
      [
        { first, last: Math.min(last, hole.first - 1) },
        { first: Math.max(first, hole.last + 1), last },
      ].filter((side) => side.first <= side.last),
    );
  }
  return rest.length === 0 ? NO_RANGES : rest;
}

/** What lies in both. */
export function intersection(a: SequenceRanges, b: SequenceRanges): SequenceRanges {
  if (a.length === 0 || b.length === 0) return NO_RANGES;
  return a.flatMap((x) =>
    b
      .map((y) => ({ first: Math.max(x.first, y.first), last: Math.min(x.last, y.last) }))
      .filter(({ first, last }) => first <= last),
  );
}

/** The `count` numbers from `first` on, around the ring. */
export function span(first: number, count: number): SequenceRanges {
  if (count <= 0) return NO_RANGES;
  const last = step(first, count - 1);
  if (first <= last) return [{ first, last }];
  return [
    { first: 1, last },
    { first, last: MAX_SEQ },
  ];
}

/** How many numbers a set has. */
export function sizeOf(ranges: SequenceRanges): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
