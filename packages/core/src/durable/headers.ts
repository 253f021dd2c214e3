import { BusError } from '@terabus/messages';
import { checkHeaders } from '../transport/headers.js';
import type { Headers } from '../transport/transport.js';

/** The headers that Terabus adds to what is tried again, and to what was given up: the message's own stay. */
export const DURABLE_HEADER = {
  /** `<stream>/<sequence>/<index>`: where it lies first, and which content of its envelope it is about. */
  origin: 'Terabus-Origin',
  /** How often it was tried. */
  attempt: 'Terabus-Attempt',
  /** The subject that it was published to. */
  subject: 'Terabus-Subject',
  /** When it was stored first, in milliseconds since the Unix epoch, by the server's clock. */
  storedAt: 'Terabus-Stored-At',
  /** What its sequence number said when it came first. */
  verdict: 'Terabus-Verdict',
  /** When it may be tried again, in milliseconds since the Unix epoch. */
  due: 'Terabus-Due',
  /** When a handler failed on it for the first time, in milliseconds since the Unix epoch. */
  firstFailed: 'Terabus-First-Failed',
  /** The number of the dead letter that it is replayed from. */
  replay: 'Terabus-Replay',
} as const;

/** The headers of a dead letter beside {@link DURABLE_HEADER}. */
export const DEAD_HEADER = {
  reason: 'Terabus-Dead-Reason',
  code: 'Terabus-Dead-Code',
  text: 'Terabus-Dead-Text',
  service: 'Terabus-Dead-Service',
  version: 'Terabus-Dead-Version',
  group: 'Terabus-Dead-Group',
  handler: 'Terabus-Dead-Handler',
  type: 'Terabus-Dead-Type',
  topic: 'Terabus-Dead-Topic',
  stream: 'Terabus-Dead-Stream',
  sequence: 'Terabus-Dead-Sequence',
  tries: 'Terabus-Dead-Tries',
  first: 'Terabus-Dead-First',
  last: 'Terabus-Dead-Last',
  trace: 'Terabus-Dead-Trace',
  /** How many bytes the message has, where it is too large to be stored again. */
  cut: 'Terabus-Dead-Cut',
} as const;

const ADDED: ReadonlySet<string> = new Set([...Object.values(DURABLE_HEADER), ...Object.values(DEAD_HEADER)]);

/** What of the headers came with the message itself; those of NATS are about the place where it lies. */
export const ownHeaders = (headers: Headers): Map<string, string> =>
  new Map([...headers].filter((header) => !ADDED.has(header[0]) && !/^nats-/i.test(header[0]) && canBeSent(header)));

/** Another client may have sent what this one can't, and a message must not be kept for ever because of it. */
export function canBeSent(header: readonly [string, string]): boolean {
  try {
    checkHeaders(new Map([header]));
    return true;
  } catch {
    return false;
  }
}

/** @throws BusError `TERABUS_MESSAGE_MISPLACED` where the number is missing, or none */
export function numberIn(headers: Headers, name: string): number {
  return matching(headers, name, /^\d{1,16}$/);
}

/** The same of a time in milliseconds, which may have a fraction. @throws BusError `TERABUS_MESSAGE_MISPLACED` */
export function timeIn(headers: Headers, name: string): number {
  return matching(headers, name, /^\d{1,16}(?:\.\d{1,9})?$/);
}

function matching(headers: Headers, name: string, format: RegExp): number {
  const text = headers.get(name) ?? '';
  if (format.test(text)) return Number(text);
  throw new BusError(`the header ${name} of what is tried again has to be a number`, {
    reason: 'TERABUS_MESSAGE_MISPLACED',
  });
}
