import { BusError } from '@terabus/messages';

/**
 * Checks that a text can name a group: any well-formed text that is not empty.
 *
 * @throws BusError `TERABUS_GROUP_INVALID`
 */
export function checkGroup(group: string): void {
  if (typeof group === 'string' && group !== '' && group.isWellFormed()) return;
  throw new BusError(
    `The name of a group is well-formed text of at least one character, not ${JSON.stringify(group)}`,
    {
      reason: 'TERABUS_GROUP_INVALID',
    },
  );
}
