import { BusError } from '../errors/bus-error.js';

/**
 * Refuses an envelope without a time. proto3 drops a zero, and a payload without that double may be valid UTF-8,
 * which OpenTera's Redis client hands over as text that its modules can't parse (contract 3.4).
 * @throws BusError TERABUS_TIME_REQUIRED
 */
export function requireTime(envelope: string, time: number): void {
  if (typeof time === 'number' && Number.isFinite(time) && time !== 0) return;
  throw new BusError(`${envelope} needs the time in seconds since the Unix epoch, not ${String(time)}`, {
    reason: 'TERABUS_TIME_REQUIRED',
  });
}
