import type { Any } from '../types/any.js';
import type { Message, MessageType } from '../types/message-type.js';
import type { Cursor } from './cursor.js';
import { planOf } from './plan.js';
import { readInOnePass, readMessage } from './read-message.js';
import { RecentText } from './text.js';

/** How an envelope is decoded. */
export interface EnvelopeOptions {
  /**
   * Whether the bytes in its Anys are copied, so that an envelope may be kept. Defaults to true. False spares whoever unpacks
   * them at once as many bytes as they have; they then point into what was decoded, which must stay as it is until then.
   */
  readonly copy?: boolean | undefined;
  /**
   * The topic that it most likely names, as whoever delivered it says. If it does, its head holds this very string,
   * and no other one is made. What it names instead is read as ever.
   */
  readonly likelyTopic?: string | undefined;
}

/** A kind of envelope, with a head in field 1 and Anys in field 2. */
export interface EnvelopeKind<T extends Message, Head> {
  readonly type: MessageType<T>;
  /** The head up to this position, or undefined if it has other fields than a head. */
  readHead(cursor: Cursor, to: number, likelyTopic: string | undefined): Head | undefined;
  make(head: Head | undefined, anys: Any[]): T;
}

/** Reads envelopes of a kind as everybody writes them in one pass, and what is written otherwise by the field table. */
export function envelopeReader<T extends Message, Head>(
  kind: EnvelopeKind<T, Head>,
): (bytes: Uint8Array, options: EnvelopeOptions) => T {
  const pass = (cursor: Cursor, likelyTopic: string | undefined) => readInOrder(kind, cursor, likelyTopic);
  return (bytes, { copy = true, likelyTopic }) =>
    readInOnePass(pass, bytes, copy, likelyTopic) ??
    (readMessage(planOf(kind.type as unknown as MessageType), bytes, copy) as T);
}

/** Of many envelopes in a row the messages are of one type. */
const recentUrl = new RecentText();

function readInOrder<T extends Message, Head>(
  kind: EnvelopeKind<T, Head>,
  cursor: Cursor,
  likelyTopic: string | undefined,
): T | undefined {
  const end = cursor.length;
  let head: Head | undefined;
  let anys: Any[] | undefined;
  while (cursor.at < end) {
    const tag = cursor.tag(end);
    cursor.spend(1);
    const to = cursor.lengthEnd(end);
    if (tag === 18) {
      const any = readAny(cursor, to);
      if (any === undefined) return undefined;
      // A list of one needs no room for more.
      if (anys === undefined) anys = [any];
      else anys.push(any);
    } else {
      // What has two heads is merged by the field table.
      if (tag !== 10 || head !== undefined) return undefined;
      head = kind.readHead(cursor, to, likelyTopic);
      if (head === undefined) return undefined;
    }
  }
  return kind.make(head, anys ?? []);
}

function readAny(cursor: Cursor, to: number): Any | undefined {
  let typeUrl = '';
  let value: Uint8Array | undefined;
  while (cursor.at < to) {
    const tag = cursor.tag(to);
    if (tag === 10) typeUrl = cursor.string(to, recentUrl);
    else if (tag === 18) value = cursor.bytes(to);
    else return undefined;
  }
  return { $type: 'google.protobuf.Any', typeUrl, value: value ?? new Uint8Array(0) };
}
