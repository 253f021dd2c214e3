import { printable } from '@terabus/core/transport';
import { BusError } from '@terabus/messages';

/** @throws BusError `TERABUS_OPTIONS_INVALID` */
export function wholeNumber(option: string, value: unknown, least: number): number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
  const got = typeof value === 'number' ? String(value) : printable(value);
  throw new BusError(`option '${option}' is a whole number of at least ${least}, not ${got}`, {
    reason: 'TERABUS_OPTIONS_INVALID',
  });
}
