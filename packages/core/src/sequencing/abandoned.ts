import type { SequenceRange, SequenceRanges } from './ranges.js';
import { isSeq } from './serial.js';

/** The most ranges in one header. What a sender has beyond that goes into its next messages. */
export const MAX_NAMED_RANGES = 64;

/** The longest such header: 64 ranges of two ten-digit numbers, a dash and a comma each. */
const MAX_TEXT_LENGTH = MAX_NAMED_RANGES * 22;

/**
 * The text of the header `Terabus-Abandoned`: the numbers that their sender has
 * given up, `5,7-9`. Undefined for none: such a message has no header.
 */
export function formatAbandoned(ranges: SequenceRanges): string | undefined {
  if (ranges.length === 0) return undefined;
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/**
 * Reads the header `Terabus-Abandoned`. Strict: only what {@link formatAbandoned} writes, in ascending order, at
 * most 64 ranges; anything else is undefined and to be ignored, as it came from a sender that counts otherwise or
 * means harm. A range may be of any size, since nobody walks through one.
 */
export function parseAbandoned(text: string): SequenceRanges | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  const ranges: SequenceRange[] = [];
  let previous = -1; // 1 may be the first.
  for (const part of text.split(',')) {
    const range = parseRange(part);
    // A range that touches the one before it would have been written as one.
    if (range === undefined || range.first <= previous + 1) return undefined;
    if (ranges.push(range) > MAX_NAMED_RANGES) return undefined;
    previous = range.last;
  }
  return ranges;
}

function parseRange(text: string): SequenceRange | undefined {
  const match = /^([1-9][0-9]{0,9})(?:-([1-9][0-9]{0,9}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  if (!isSeq(first) || !isSeq(last) || (match[2] !== undefined && last <= first)) return undefined;
  return { first, last };
}
