/** The first wait is about this long: a link that was only cut is soon back. */
const SHORTEST_MS = 100;

/** A server that is back is found within a second. */
const LONGEST_MS = 1_000;

/**
 * Waits between rounds of dials, growing from 100 ms to 1 s, at random (decorrelated jitter), so that the clients of a
 * restarted server don't all come back at once.
 */
export function backoff(random: () => number = Math.random) {
  let last = 0;
  return {
    next(): number {
      // The first one between the half and one and a half of the shortest.
      const [from, to] =
        last === 0 ? [SHORTEST_MS / 2, SHORTEST_MS * 1.5] : [SHORTEST_MS, Math.max(last, SHORTEST_MS) * 3];
      last = Math.min(LONGEST_MS, from + random() * (to - from));
      return last;
    },
    reset(): void {
      last = 0;
    },
  };
}
