import type { Clock } from '@terabus/core/transport';
import { systemClock } from '@terabus/core/transport';

/** Time that passes some times faster: for waits of a connection that take long against a server that answers at once. */
export const hurriedClock = (times: number): Clock => ({
  now: () => systemClock.now(),
  elapsed: () => systemClock.elapsed() * times,
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs / times, callback),
});
