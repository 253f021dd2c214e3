import type { Clock } from '../transport/clock.js';
import { deferred } from './deferred.js';
import type { CutOff } from './finish.js';
import type { RunningService } from './running-service.js';

/** What a drain is told. */
export interface DrainOptions {
  readonly clock: Clock;
  readonly drainTimeoutMs: number;
  /** Resolves when there is nothing more to wait for: the transport has gone. */
  readonly gone: Promise<void>;
}

/**
 * Drains the services of a host side by side. The intake of messages ends first, that of calls when their handlers have
 * ended: these may call a service of the same host, which would else be gone before them. Handlers of messages that
 * take longer than half of the time must not use up that of the calls.
 */
export async function drain(
  services: readonly RunningService[],
  { clock, drainTimeoutMs, gone }: DrainOptions,
): Promise<readonly CutOff[]> {
  const halfTime = deferred<void>();
  const timeIsUp = deferred<void>();
  const timers = [
    clock.setTimer(drainTimeoutMs / 2, () => halfTime.resolve()),
    clock.setTimer(drainTimeoutMs, () => timeIsUp.resolve()),
  ];
  void gone.then(() => {
    halfTime.resolve();
    timeIsUp.resolve();
  });
  const all = <T>(step: (service: RunningService) => Promise<T>) => Promise.all(services.map(step));
  await all((service) => service.beginDrain(timeIsUp.promise));
  const messages = all((service) => service.finishMessages());
  await Promise.race([messages, halfTime.promise]);
  const calls = all((service) => service.finishCalls());
  await Promise.race([Promise.all([messages, calls]), timeIsUp.promise]);
  const cutOffs = await all((service) => service.endDrain(timeIsUp.promise));
  for (const timer of timers) timer.cancel();
  return cutOffs;
}
