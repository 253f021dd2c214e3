import { BusError } from '@terabus/messages';
import { printable } from '../topics/printable.js';

/**
 * Checks that a text can name a group: any well-formed text that is not empty.
 *
 * @throws BusError `TERABUS_GROUP_INVALID`
 */
export function checkGroup(group: string): void {
  if (typeof group === 'string' && group !== '' && group.isWellFormed()) return;
  throw new BusError(`the name of a group is well-formed text that is not empty, not ${printable(group)}`, {
    reason: 'TERABUS_GROUP_INVALID',
  });
}
