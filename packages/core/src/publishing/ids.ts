import { randomFillSync } from 'node:crypto';
import type { Clock } from '../transport/clock.js';

/** Makes an id: of this time, by the clock of whoever made this, or of now. */
export type NewId = (time?: number) => string;

/** Crockford's base 32, in which ULIDs are written. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const PAIRS = Array.from({ length: 1_024 }, (_, n) => `${DIGITS[n >>> 5]}${DIGITS[n & 31]}`);

const TIME_DIGITS = 10;
/** Random bytes are asked for by so many: each time costs as much as an id. */
const POOL_BYTES = 4_096;

/**
 * Makes ULIDs by a clock, each greater than the one before: within a millisecond, and where the clock goes back, the random part
 * is counted up. Our own, since each message has one: a ULID of the package `ulid` is 5 times the work, and the first one of a
 * millisecond 100 times as much.
 */
export function ulids(clock: Pick<Clock, 'now'>): NewId {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let used = POOL_BYTES;
  let lastTime = -1;
  /** Time and the upper 40 bits of the random part. */
  let upper = '';
  /** Its lower 40 bits. */
  let lower = 0;
  /** All but the last two digits. */
  let head = '';
  const begin = (time: number) => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    lastTime = time;
    upper = digits(time, TIME_DIGITS) + digits(pool.readUIntBE(used, 5), 8);
    // The first bit is 0: there is room for more ids than a millisecond can have.
    lower = pool.readUIntBE(used + 5, 5) % 2 ** 39;
    used = used + 10 > POOL_BYTES - 10 ? POOL_BYTES : used + 10;
    head = upper + digits(Math.floor(lower / 1_024), 6);
  };
  return (time = clock.now()) => {
    if (time > lastTime) begin(time);
    else {
      lower += 1;
      if (lower % 1_024 === 0) head = upper + digits(lower / 1_024, 6);
    }
    return head + PAIRS[lower % 1_024];
  };
}

function digits(number: number, length: number): string {
  let text = '';
  for (let rest = number; text.length < length; rest = Math.floor(rest / 1_024)) text = PAIRS[rest % 1_024] + text;
  return text;
}
