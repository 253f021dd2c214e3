import type { BusError } from '@terabus/messages';
import { HEADER } from '../publishing/headers.js';
import { toName } from '../topics/name.js';
import { headersSize } from '../transport/headers.js';
import type { StoreMessage } from '../transport/streams.js';
import type { Headers } from '../transport/transport.js';
import type { GroupParts } from './group-parts.js';
import { canBeSent, DEAD_HEADER, DURABLE_HEADER, ownHeaders } from './headers.js';
import { consumerOf, deadLetterSubject, deadLettersOf, retriesOf, retrySubject } from './names.js';
import type { Origin } from './origin.js';
import { formatOrigin } from './origin.js';

/** A message as its group got it, wherever from. */
export interface Letter {
  /** Its first place; without `index` where all its contents are meant. */
  readonly origin: Origin;
  /** The subject that it was published to, and the topic that this is. */
  readonly subject: string;
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  /** When it was stored first. */
  readonly storedAt: number;
  /** The number of the dead letter that it is replayed from. */
  readonly replay: string | undefined;
  /** What its sequence number said. */
  readonly verdict: string | undefined;
}

/** How far one content of it is. */
export interface Progress {
  readonly index: number | undefined;
  readonly tries: number;
  /** Milliseconds since the Unix epoch. */
  readonly firstFailed: number | undefined;
}

/** What will be tried again, and when: the original bytes and headers, with a message id that a second copy shares. */
export function retryOf(
  { address, pattern }: GroupParts,
  letter: Letter,
  progress: Progress,
  due: number,
  why: 'retry' | 'back',
): StoreMessage {
  const headers = commonHeaders(letter, progress);
  headers.set(DURABLE_HEADER.due, String(due));
  return {
    subject: retrySubject(address, pattern),
    stream: retriesOf(address),
    bytes: letter.bytes,
    headers,
    messageId: `${why}/${nameOf(address, pattern, letter, progress)}/${progress.tries}`,
  };
}

/** What is given up, with everything that is known of why. */
export function deadLetterOf(
  { address, version, pattern, transport }: GroupParts,
  letter: Letter,
  progress: Progress,
  error: BusError,
  handler: string | undefined,
  type: string | undefined,
  now: number,
): StoreMessage {
  const { stream, sequence } = letter.origin;
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(letter.headers.get(HEADER.traceparent) ?? '')?.[1];
  const headers = commonHeaders(letter, progress);
  const added: Record<string, string | number | undefined> = {
    [DEAD_HEADER.reason]: error.reason,
    [DEAD_HEADER.code]: error.code,
    [DEAD_HEADER.text]: oneLine(error.rawMessage),
    [DEAD_HEADER.service]: address,
    [DEAD_HEADER.version]: version,
    [DEAD_HEADER.group]: pattern,
    [DEAD_HEADER.handler]: handler,
    [DEAD_HEADER.type]: type,
    [DEAD_HEADER.topic]: encodeURIComponent(letter.topic),
    [DEAD_HEADER.stream]: encodeURIComponent(stream),
    [DEAD_HEADER.sequence]: sequence,
    [DEAD_HEADER.tries]: progress.tries,
    [DEAD_HEADER.first]: progress.firstFailed ?? now,
    [DEAD_HEADER.last]: now,
    [DEAD_HEADER.trace]: trace,
  };
  for (const [name, value] of Object.entries(added)) if (value !== undefined) headers.set(name, oneLine(String(value)));
  const message = {
    subject: deadLetterSubject(address, pattern),
    stream: deadLettersOf(address),
    bytes: letter.bytes,
    headers,
    messageId: `dead/${nameOf(address, pattern, letter, progress)}`,
  };
  return fitting(message, transport.maxPayloadBytes);
}

/** What a server takes of headers in a stream, whatever a message may have. */
const MOST_HEADER_BYTES = 65_535;

/** Of what a transport adds beside the message id: names of headers, and the stream's as the server spells it. */
const ADDED_BYTES = 400;

/** Whether a stream takes it, with all that is added on the way. */
export function hasRoom(
  message: Pick<StoreMessage, 'headers' | 'bytes' | 'messageId'>,
  maxPayloadBytes: number,
): boolean {
  const { headers, bytes, messageId } = message;
  const headerBytes = headersSize(headers) + messageId.length + ADDED_BYTES;
  return headerBytes <= MOST_HEADER_BYTES && headerBytes + bytes.length <= maxPayloadBytes;
}

/** With the time: a stream that was deleted and made anew numbers from 1 again, and its copies are others. */
function nameOf(address: string, pattern: string, { origin, storedAt, replay }: Letter, { index }: Progress): string {
  const place = `${formatOrigin({ ...origin, index })}@${storedAt}`;
  return `${toName(consumerOf(address, pattern))}/${place}${replay === undefined ? '' : `+${replay}`}`;
}

function commonHeaders(letter: Letter, { index, tries, firstFailed }: Progress): Map<string, string> {
  const headers = ownHeaders(letter.headers);
  headers.set(DURABLE_HEADER.origin, formatOrigin({ ...letter.origin, index }));
  headers.set(DURABLE_HEADER.attempt, String(tries));
  // One that is nobody's may be any text.
  if (canBeSent([DURABLE_HEADER.subject, letter.subject])) headers.set(DURABLE_HEADER.subject, letter.subject);
  headers.set(DURABLE_HEADER.storedAt, String(letter.storedAt));
  if (letter.verdict !== undefined) headers.set(DURABLE_HEADER.verdict, letter.verdict);
  if (firstFailed !== undefined) headers.set(DURABLE_HEADER.firstFailed, String(firstFailed));
  if (letter.replay !== undefined) headers.set(DURABLE_HEADER.replay, letter.replay);
  return headers;
}

const LONGEST_TEXT = 1_000;

/** As a header can carry it. */
const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .slice(0, LONGEST_TEXT)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();

/**
 * A message of the largest size has no room for what is added: its own headers go first, and where that is not enough
 * its bytes, which lie in its stream. One that nobody could put aside would keep its place for ever.
 */
function fitting(
  message: StoreMessage & { readonly headers: Map<string, string> },
  maxPayloadBytes: number,
): StoreMessage {
  const { headers, bytes } = message;
  const fits = () => hasRoom(message, maxPayloadBytes);
  if (fits()) return message;
  headers.delete(DEAD_HEADER.text);
  for (const name of ownHeaders(headers).keys()) {
    if (fits()) break;
    headers.delete(name);
  }
  if (fits()) return message;
  headers.set(DEAD_HEADER.cut, String(bytes.length));
  return { ...message, bytes: new Uint8Array() };
}
