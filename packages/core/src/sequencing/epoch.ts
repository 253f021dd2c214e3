import { decodeTime } from 'ulid';

/** A ULID in its one spelling: 26 characters of Crockford's base 32, of which the first ten are a time. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Clocks of machines differ by seconds, those of machines that nobody looks after by hours. */
const MOST_AHEAD_MS = 24 * 60 * 60 * 1_000;

/**
 * The header `Terabus-Epoch`, if it is a ULID. Anything else counts as none: the sender's numbers are judged all the
 * same, and nothing of it is dropped as a duplicate.
 */
export const readEpoch = (text: string | undefined): string | undefined =>
  text !== undefined && ULID.test(text) ? text : undefined;

/**
 * Whether an epoch could have begun by now, give or take a day. One from a far future is counted like any other, but
 * is not the newest of its sender: else one forged header would let all restarts to come look old.
 */
export const hasBegun = (epoch: string, nowMs: number): boolean => decodeTime(epoch) <= nowMs + MOST_AHEAD_MS;
