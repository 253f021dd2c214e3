/** A dependency that is mended is noticed within this time. */
const LONGEST_MS = 300_000;

/**
 * For how many milliseconds a message waits after its n-th try, from 1: twice as long each time, less up to a quarter
 * by chance, so that what failed together is not tried together.
 */
export const retryDelayMs = (tries: number, retryAfterMs: number, random: () => number = Math.random): number =>
  Math.round(Math.min(LONGEST_MS, retryAfterMs * 2 ** Math.min(tries - 1, 30)) * (1 - random() / 4));

/** As long as any: a clock that is wrong by hours must not keep a message for hours. */
export const dueInMs = (due: number, now: number): number => Math.min(LONGEST_MS, due - now);
