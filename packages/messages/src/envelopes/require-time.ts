import { BusError } from '../errors/bus-error.js';

/**
 * Refuses an envelope without a time. proto3 drops a zero, and a payload without that double may be valid UTF-8,
 * which OpenTera's Redis client hands over as text that its modules can't parse (contract 3.4).
 * @throws BusError TERABUS_TIME_REQUIRED
 */
export function requireTime(envelope: string, time: number): void {
  if (isTime(time)) return;
  throw new BusError(`${envelope} needs the time in seconds since the Unix epoch, not ${String(time)}`, {
    reason: 'TERABUS_TIME_REQUIRED',
  });
}

/** Whether it is a time that an envelope may have. */
export function isTime(time: unknown): boolean {
  return typeof time === 'number' && Number.isFinite(time) && time !== 0;
}
