import type { Logger } from 'pino';
import type { BusEvent, Observer } from './observer.js';
import { say } from './say.js';

/** Tells observers of an event; what they throw is logged. */
export function tell(observers: readonly Observer[], event: BusEvent, logger: Logger): void {
  for (const observer of observers) {
    const failed = (error: unknown) => say(logger, 'error', { err: error, event: event.kind }, 'an observer failed');
    try {
      // The type says void, which an async function fits too: its rejection must not end the process.
      const result: unknown = observer(event);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
