import { shielded } from '../errors/shielded.js';
import type { Any } from '../gen/google/protobuf/any.js';
import { TeraModuleMessage } from '../gen/TeraModuleMessage.js';
import { requireTime } from './require-time.js';

/** What a TeraModuleMessage is made of. */
export interface ModuleMessageParts {
  /** Who sends it: `module.<name>` or `service.<key>`. */
  readonly source: string;
  /** The topic it is sent to. */
  readonly dest: string;
  /** Number in the sender's count for this destination, from 1; 0 is not counted, as in OpenTera. */
  readonly seq: number;
  /** Seconds since the Unix epoch. */
  readonly time: number;
  /** Defaults to 1, which is all that OpenTera ever sends. */
  readonly version?: number | undefined;
  /** What is said. OpenTera sends exactly one. */
  readonly data: readonly Any[];
}

/** @throws BusError TERABUS_TIME_REQUIRED if the time is zero or not finite (contract 3.4). */
export function makeModuleMessage(parts: ModuleMessageParts): TeraModuleMessage {
  return shielded('what a TeraModuleMessage is made of', 'TERABUS_MESSAGE_INVALID', () => {
    const { source, dest, seq, time, version = 1, data } = parts;
    requireTime('a TeraModuleMessage', time);
    return {
      $type: 'opentera.protobuf.TeraModuleMessage',
      head: { $type: 'opentera.protobuf.TeraModuleMessage.Header', version, time, seq, source, dest },
      data: [...data],
    };
  });
}

/** The bytes of a TeraModuleMessage: `makeModuleMessage`, encoded. */
export function encodeModuleMessage(parts: ModuleMessageParts): Uint8Array {
  return TeraModuleMessage.encode(makeModuleMessage(parts));
}

/** The TeraModuleMessage in these bytes. What it holds stays packed. */
export function decodeModuleMessage(bytes: Uint8Array): TeraModuleMessage {
  return TeraModuleMessage.decode(bytes);
}
