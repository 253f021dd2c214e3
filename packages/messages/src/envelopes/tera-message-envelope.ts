import { BusError } from '../errors/bus-error.js';
import { TeraEvent } from '../gen/TeraEvent.js';
import { TeraMessage } from '../gen/TeraMessage.js';
import { packAny, unpackAny } from '../types/any.js';
import type { MessageType } from '../types/message-type.js';
import { writeAny, written } from '../wire/encoder.js';
import { type MessageWriter, unwritable } from '../wire/message-writer.js';
import { planOf } from '../wire/plan.js';
import { readMessage } from '../wire/read-message.js';
import { isTime, requireTime } from './require-time.js';

/**
 * The TeraMessage that carries an event to a client: as JSON to OpenTera's (contract 5.5, WS-4), as bytes to others.
 * @throws BusError TERABUS_TIME_REQUIRED if the event's header has no time (contract 3.4).
 */
export function makeTeraMessage(event: TeraEvent): TeraMessage {
  requireTime('the TeraEvent in a TeraMessage', (event as TeraEvent | null | undefined)?.header?.time ?? 0);
  return { $type: 'opentera.protobuf.TeraMessage', message: packAny(TeraEvent, event) };
}

/** The bytes of a TeraMessage that holds this event: `makeTeraMessage`, encoded. */
export function encodeTeraMessage(event: TeraEvent): Uint8Array {
  return written(writeTeraMessage, event) ?? TeraMessage.encode(makeTeraMessage(event));
}

function writeTeraMessage(writer: MessageWriter, event: TeraEvent): void {
  if (!isTime(event.header?.time)) throw unwritable;
  writeAny(writer.uint32(10), { type: TeraEvent, message: event });
}

/**
 * The event in these bytes of a TeraMessage.
 * @throws BusError TERABUS_TYPE_MISMATCH if it holds something else or nothing.
 */
export function decodeTeraMessage(bytes: Uint8Array): TeraEvent {
  const { message } = readMessage(planOf(TeraMessage as unknown as MessageType), bytes, false) as TeraMessage;
  if (message === undefined) {
    throw new BusError('the TeraMessage holds nothing', { reason: 'TERABUS_TYPE_MISMATCH' });
  }
  return unpackAny(TeraEvent, message);
}
