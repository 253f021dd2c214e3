/** How much is done. */
export interface Amounts {
  /** Messages of the first go of a warm-up; each next one has four times as many. */
  readonly first: number;
  /** The warm-up has so many goes at least, since a busy machine takes long for few, and is over when one took so long. */
  readonly goes: number;
  readonly warmMs: number;
  /** How long the measured go should take. */
  readonly aimMs: number;
  readonly most: number;
  /** What lies in a stream before it is handled; a fifth of it is the warm-up. */
  readonly stored: number;
  /** Events of the measured go at a given rate. */
  readonly paced: number;
  /** Events after which memory has settled, and those that may leave no growth. */
  readonly settled: number;
  readonly growth: number;
  /** For how long an idle process is left alone. */
  readonly idleMs: number;
}

/** To measure. */
export const measured: Amounts = {
  first: 1_024,
  goes: 2,
  warmMs: 300,
  aimMs: 1_500,
  most: 4_000_000,
  stored: 25_600,
  paced: 2_000,
  settled: 200_000,
  growth: 1_000_000,
  idleMs: 2_000,
};

/** To see that all arrives. */
export const smoke: Amounts = {
  first: 64,
  goes: 1,
  warmMs: 0,
  aimMs: 0,
  most: 320,
  stored: 320,
  paced: 64,
  settled: 640,
  growth: 1_280,
  idleMs: 0,
};

/** Envelopes have up to 16 events, and the bench has as many devices. */
const UNIT = 64;

/** Runs goes that grow until the code is warm, and tells how many messages the measured go should have. */
export async function warmUp(run: (count: number) => Promise<number>, amounts: Amounts): Promise<number> {
  const { first, goes, warmMs, aimMs, most } = amounts;
  for (let count = first, go = 1; ; count *= 4, go++) {
    const ms = await run(count);
    if (go < goes || (ms < warmMs && count * 4 <= most)) continue;
    const wanted = aimMs === 0 ? most : (count * aimMs) / ms;
    return Math.max(UNIT, Math.round(Math.min(wanted, most) / UNIT) * UNIT);
  }
}
