import { shielded } from '../errors/shielded.js';
import type { Any } from '../gen/google/protobuf/any.js';
import { TeraEvent, type TeraEvent_Header } from '../gen/TeraEvent.js';
import { type Packable, packed } from '../types/any.js';
import { writeAny, written } from '../wire/encoder.js';
import { type MessageWriter, unwritable } from '../wire/message-writer.js';
import { type EnvelopeOptions, envelopeReader } from '../wire/read-envelope.js';
import { isTime, requireTime } from './require-time.js';

/** What a TeraEvent is made of. */
export interface TeraEventParts {
  /** The topic it is published on, as OpenTera spells it. */
  readonly topic: string;
  /** Seconds since the Unix epoch. */
  readonly time: number;
  /** Defaults to 1, which is all that OpenTera ever sends. */
  readonly version?: number | undefined;
  /** The events. OpenTera's clients read the first only (contract 0). */
  readonly events: readonly (Any | Packable)[];
}

/** @throws BusError TERABUS_TIME_REQUIRED if the time is zero or not finite (contract 3.4). */
export function makeTeraEvent(parts: TeraEventParts): TeraEvent {
  return shielded('what a TeraEvent is made of', 'TERABUS_MESSAGE_INVALID', () => {
    const { topic, time, version = 1, events } = parts;
    requireTime('a TeraEvent', time);
    return {
      $type: 'opentera.protobuf.TeraEvent',
      header: { $type: 'opentera.protobuf.TeraEvent.Header', version, time, topic },
      events: [...events].map(packed),
    };
  });
}

/** The bytes of a TeraEvent: `makeTeraEvent`, encoded. */
export function encodeTeraEvent(parts: TeraEventParts): Uint8Array {
  return written(writeTeraEvent, parts) ?? TeraEvent.encode(makeTeraEvent(parts));
}

function writeTeraEvent(writer: MessageWriter, parts: TeraEventParts): void {
  const { events } = parts;
  if (!Array.isArray(events)) throw unwritable;
  writeTeraEventHead(writer, parts);
  for (let index = 0; index < events.length; index++) writeTeraEventItem(writer, events[index]);
}

/** What comes before the events. */
export function writeTeraEventHead(writer: MessageWriter, { topic, time, version = 1 }: TeraEventParts): void {
  if (!isTime(time)) throw unwritable;
  writer.uint32(10).fork();
  if (version !== 0) writer.uint32(8).uint32(version);
  writer.uint32(17).double(time);
  if (topic !== '') writer.uint32(26).string(topic);
  writer.join();
}

/** One event. */
export function writeTeraEventItem(writer: MessageWriter, event: Any | Packable | undefined): void {
  writeAny(writer.uint32(18), event);
}

/** The TeraEvent in these bytes. What it holds stays packed: handlers are chosen by the type in each Any. */
export function decodeTeraEvent(bytes: Uint8Array, options: EnvelopeOptions = {}): TeraEvent {
  return read(bytes, options);
}

const read = envelopeReader<TeraEvent, TeraEvent_Header>({
  type: TeraEvent,
  readHead(cursor, to, likelyTopic) {
    let version = 0;
    let time = 0;
    let topic = '';
    while (cursor.at < to) {
      const tag = cursor.tag(to);
      if (tag === 8) version = cursor.int32(to) >>> 0;
      else if (tag === 17) time = cursor.double(to);
      else if (tag === 26) topic = cursor.likelyString(to, likelyTopic);
      else return undefined;
    }
    return { $type: 'opentera.protobuf.TeraEvent.Header', version, time, topic };
  },
  make: (header, events) => ({ $type: 'opentera.protobuf.TeraEvent', header, events }),
});
