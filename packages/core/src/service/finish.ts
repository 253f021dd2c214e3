import type { DeliveryGroup } from '../routing/delivery-group.js';
import type { Clock } from '../transport/clock.js';
import { deferred } from './deferred.js';
import type { Tasks } from './tasks.js';

/** Work that the end of a drain cut off. */
export interface CutOff {
  /** Handlers that had begun, whose signals were aborted, and tasks of `every`. */
  readonly running: number;
  /** Messages and calls that were never given to a handler; the calls were answered so. */
  readonly waiting: number;
}

/** What has not ended. */
export function unfinished(queues: readonly DeliveryGroup[], tasks: Tasks, held: number): CutOff {
  return {
    running: queues.reduce((sum, { running }) => sum + running, tasks.running),
    waiting: queues.reduce((sum, { waiting }) => sum + waiting, held),
  };
}

/** Lets what waits and runs end, and cuts off what takes longer; then the queues take new work. */
export async function finishWithin(
  timeoutMs: number,
  clock: Clock,
  queues: readonly DeliveryGroup[],
  tasks: Tasks,
): Promise<CutOff> {
  const timeIsUp = deferred<void>();
  const timer = clock.setTimer(timeoutMs, () => timeIsUp.resolve());
  const finished = Promise.all([...queues.map((queue) => queue.finished()), tasks.finished()]);
  await Promise.race([finished, timeIsUp.promise]);
  timer.cancel();
  const cutOff = unfinished(queues, tasks, 0);
  for (const queue of queues) {
    queue.cutOff();
    queue.reopen();
  }
  return cutOff;
}
