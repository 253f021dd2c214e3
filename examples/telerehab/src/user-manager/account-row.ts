import { BusError } from '@terabus/core';
import type { DatabaseEvent } from '@terabus/messages';
import { DatabaseEvent_EventType } from '@terabus/messages';
import { z } from 'zod';
import type { Kind } from '../contracts/kinds.js';

/** What is read of each table's rows; the other columns are somebody else's business. */
const uuidOfRow = {
  user: z.looseObject({ user_uuid: z.string() }).transform(({ user_uuid: uuid, ...row }) => ({ uuid, row })),
  participant: z
    .looseObject({ participant_uuid: z.string() })
    .transform(({ participant_uuid: uuid, ...row }) => ({ uuid, row })),
  device: z.looseObject({ device_uuid: z.string() }).transform(({ device_uuid: uuid, ...row }) => ({ uuid, row })),
} as const;

/**
 * Whose sockets must be told to close, and how often, by what the database says of a row (rule UM-10). A soft deletion
 * is an update with the key `deleted_at`; a row that is disabled as well counts twice, as in OpenTera.
 *
 * @throws BusError `ROW_INVALID` for a row that is none of this kind.
 */
export function disconnectionsBy(kind: Kind, event: DatabaseEvent): { readonly uuid: string; readonly times: number } {
  const { uuid, row } = read(kind, event.objectValue);
  switch (event.type) {
    case DatabaseEvent_EventType.DB_DELETE:
      return { uuid, times: 1 };
    case DatabaseEvent_EventType.DB_UPDATE:
      return { uuid, times: Number(row[`${kind}_enabled`] === false) + Number('deleted_at' in row) };
    default:
      return { uuid, times: 0 };
  }
}

function read(kind: Kind, text: string): { uuid: string; row: Record<string, unknown> } {
  try {
    return uuidOfRow[kind].parse(JSON.parse(text));
  } catch (cause) {
    throw new BusError(`the database says something of a ${kind} that can't be read`, {
      code: 'INVALID_ARGUMENT',
      reason: 'ROW_INVALID',
      cause,
    });
  }
}
