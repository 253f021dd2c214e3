import { BusError } from './bus-error.js';
import type { Reason } from './reasons.js';

/**
 * Runs what reads a caller's objects. Their getters and proxies may throw anything; only a BusError comes out.
 * @param name of what is read, for the message.
 */
export function shielded<T>(name: string, reason: Reason, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (BusError.is(cause)) throw cause;
    throw new BusError(`${name} cannot be read`, { reason, cause });
  }
}
