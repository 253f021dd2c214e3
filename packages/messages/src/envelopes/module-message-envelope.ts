import { shielded } from '../errors/shielded.js';
import type { Any } from '../gen/google/protobuf/any.js';
import { TeraModuleMessage, type TeraModuleMessage_Header } from '../gen/TeraModuleMessage.js';
import { type Packable, packed } from '../types/any.js';
import { writeAny, written } from '../wire/encoder.js';
import { type MessageWriter, unwritable } from '../wire/message-writer.js';
import { type EnvelopeOptions, envelopeReader } from '../wire/read-envelope.js';
import { RecentText } from '../wire/text.js';
import { isTime, requireTime } from './require-time.js';

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
  readonly data: readonly (Any | Packable)[];
}

/** @throws BusError TERABUS_TIME_REQUIRED if the time is zero or not finite (contract 3.4). */
export function makeModuleMessage(parts: ModuleMessageParts): TeraModuleMessage {
  return shielded('what a TeraModuleMessage is made of', 'TERABUS_MESSAGE_INVALID', () => {
    const { source, dest, seq, time, version = 1, data } = parts;
    requireTime('a TeraModuleMessage', time);
    return {
      $type: 'opentera.protobuf.TeraModuleMessage',
      head: { $type: 'opentera.protobuf.TeraModuleMessage.Header', version, time, seq, source, dest },
      data: [...data].map(packed),
    };
  });
}

/** The bytes of a TeraModuleMessage: `makeModuleMessage`, encoded. */
export function encodeModuleMessage(parts: ModuleMessageParts): Uint8Array {
  return written(writeModuleMessage, parts) ?? TeraModuleMessage.encode(makeModuleMessage(parts));
}

function writeModuleMessage(writer: MessageWriter, parts: ModuleMessageParts): void {
  const { source, dest, seq, time, version = 1, data } = parts;
  if (!isTime(time) || !Array.isArray(data)) throw unwritable;
  writer.uint32(10).fork();
  if (version !== 0) writer.uint32(8).uint32(version);
  writer.uint32(17).double(time);
  if (seq !== 0) writer.uint32(24).uint32(seq);
  if (source !== '') writer.uint32(34).string(source);
  if (dest !== '') writer.uint32(42).string(dest);
  writer.join();
  for (let index = 0; index < data.length; index++) writeAny(writer.uint32(18), data[index]);
}

/** The TeraModuleMessage in these bytes. What it holds stays packed. */
export function decodeModuleMessage(bytes: Uint8Array, options: EnvelopeOptions = {}): TeraModuleMessage {
  return read(bytes, options);
}

/** Most modules hear from few others. */
const recentSource = new RecentText();

const read = envelopeReader<TeraModuleMessage, TeraModuleMessage_Header>({
  type: TeraModuleMessage,
  readHead(cursor, to, likelyTopic) {
    let version = 0;
    let time = 0;
    let seq = 0;
    let source = '';
    let dest = '';
    while (cursor.at < to) {
      const tag = cursor.tag(to);
      if (tag === 8) version = cursor.int32(to) >>> 0;
      else if (tag === 17) time = cursor.double(to);
      else if (tag === 24) seq = cursor.int32(to) >>> 0;
      else if (tag === 34) source = cursor.string(to, recentSource);
      else if (tag === 42) dest = cursor.likelyString(to, likelyTopic);
      else return undefined;
    }
    return { $type: 'opentera.protobuf.TeraModuleMessage.Header', version, time, seq, source, dest };
  },
  make: (head, data) => ({ $type: 'opentera.protobuf.TeraModuleMessage', head, data }),
});
