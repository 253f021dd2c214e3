/**
 * Far more turns than any test needs, and over in about a second: whoever still has something to deliver then will
 * have so for ever, as two services do that answer each other's every message.
 */
const MOST_TURNS = 100_000;

/** Lets everything run that waits for nothing but its turn: promises that are settled, messages that are queued. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Turns the event loop, once at least, until `busy` says no. Throws an `Error` when it goes on saying yes for 100,000
 * turns.
 */
export async function turnUntilQuiet(busy: () => boolean): Promise<void> {
  for (let turns = 0; turns < MOST_TURNS; turns += 1) {
    await turn();
    if (!busy()) return;
  }
  throw new Error(
    `Messages are still being delivered after ${MOST_TURNS} turns of the event loop: ` +
      'some handlers answer each other without end',
  );
}
