/**
 * The port through which all of Terabus sees time. Nothing else in the sources names `setTimeout` or `Date.now`,
 * so a test that hands in a virtual clock owns time completely.
 */
export interface Clock {
  /** Wall-clock time in whole milliseconds since the Unix epoch, for what is written into messages. It may jump. */
  now(): number;
  /** Monotonic time in milliseconds from an arbitrary start, for deadlines and durations. It never goes back. */
  elapsed(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now (0 or more), unless the timer is cancelled first. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

/** A pending call of {@link Clock.setTimer}. */
export interface Timer {
  /** Forgets the call. Does nothing when it was made or cancelled already. */
  cancel(): void;
}
