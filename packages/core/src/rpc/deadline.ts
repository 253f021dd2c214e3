/** The longest time that a call may be given: a day. Longer ones are taken for a mistake of units. */
const LONGEST_TIMEOUT_MS = 86_400_000;

/**
 * The text of `Terabus-Timeout-Ms`: what remains at sending, in whole milliseconds, at least 1. It is a span and not
 * a moment, so that clocks need not agree.
 */
export const formatTimeout = (remainingMs: number): string =>
  String(Math.max(1, Math.min(LONGEST_TIMEOUT_MS, Math.ceil(remainingMs))));

/** The time that a caller gives, counted from receipt; undefined where it says none, or nothing sensible. */
export function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,8}$/.test(text)) return undefined;
  return Math.min(LONGEST_TIMEOUT_MS, Number(text));
}
