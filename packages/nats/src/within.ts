import type { Clock } from '@terabus/core/transport';

/** What {@link within} resolves with when the time is over. */
export const TIME_IS_OVER = Symbol('time is over');

/** Waits for a promise, but no longer than `timeoutMs`. */
export async function within<T>(
  clock: Clock,
  timeoutMs: number,
  promise: Promise<T>,
): Promise<T | typeof TIME_IS_OVER> {
  let end: (over: typeof TIME_IS_OVER) => void;
  const over = new Promise<typeof TIME_IS_OVER>((resolve) => {
    end = resolve;
  });
  const timer = clock.setTimer(timeoutMs, () => end(TIME_IS_OVER));
  try {
    return await Promise.race([promise, over]);
  } finally {
    timer.cancel();
  }
}
