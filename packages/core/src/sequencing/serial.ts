/**
 * The largest sequence number, 2^32−1: `seq` is a protobuf uint32. Numbers form a ring from 1 to here; 0 is what
 * OpenTera's own senders leave in the field and stands outside of it.
 */
export const MAX_SEQ = 2 ** 32 - 1;

/** Whether something is a number of the ring. */
export function isSeq(seq: number): boolean {
  return Number.isInteger(seq) && seq >= 1 && seq <= MAX_SEQ;
}

/** The number `by` steps after `seq`, or before it where `by` is negative: after 2^32−1 comes 1. */
export function step(seq: number, by: number): number {
  const index = (seq - 1 + by) % MAX_SEQ;
  return (index < 0 ? index + MAX_SEQ : index) + 1;
}

/**
 * How many steps `to` lies after `from`; negative if it lies before. The shorter way around the ring counts, as in
 * RFC 1982; this ring skips 0, has an odd size, and so has no number that is as far ahead as behind.
 */
export function distance(from: number, to: number): number {
  const half = (MAX_SEQ - 1) / 2;
  const difference = to - from;
  if (difference > half) return difference - MAX_SEQ;
  if (difference < -half) return difference + MAX_SEQ;
  return difference;
}
