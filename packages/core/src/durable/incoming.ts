import { fromSubject } from '../topics/escape.js';
import type { StreamDelivery } from '../transport/streams.js';
import { DURABLE_HEADER, numberIn, timeIn } from './headers.js';
import type { Letter } from './letters.js';
import { parseOrigin } from './origin.js';
import { dueInMs } from './retry-delay.js';

/** What a retry holds, and how far it is, as its headers say. */
export interface Arrived {
  readonly letter: Letter;
  readonly tries: number;
  readonly firstFailed: number | undefined;
}

/**
 * @throws BusError `TERABUS_SUBJECT_INVALID` where the subject is no topic's, `TERABUS_MESSAGE_MISPLACED` where nobody of
 * Terabus wrote the headers
 */
export function arrivedRetry({ bytes, headers }: StreamDelivery): Arrived {
  const subject = headers.get(DURABLE_HEADER.subject) ?? '';
  const letter: Letter = {
    origin: parseOrigin(headers.get(DURABLE_HEADER.origin)),
    subject,
    topic: fromSubject(subject),
    bytes,
    headers,
    storedAt: timeIn(headers, DURABLE_HEADER.storedAt),
    replay: headers.get(DURABLE_HEADER.replay),
    verdict: headers.get(DURABLE_HEADER.verdict),
  };
  const firstFailed = headers.has(DURABLE_HEADER.firstFailed)
    ? numberIn(headers, DURABLE_HEADER.firstFailed)
    : undefined;
  return { letter, tries: numberIn(headers, DURABLE_HEADER.attempt), firstFailed };
}

/** In how many milliseconds a retry is due, where it says so in a way that can be read. */
export function retryDueInMs({ headers }: StreamDelivery, now: number): number {
  try {
    return dueInMs(numberIn(headers, DURABLE_HEADER.due), now);
  } catch {
    return 0;
  }
}

/** A message in its first place, all contents of it. By default its topic is its subject, where that is none's. */
export function wholeOf(
  { stream, sequence, subject, bytes, headers, storedAt }: StreamDelivery,
  topic: string = subject,
): Letter {
  return {
    origin: { stream, sequence, index: undefined },
    subject,
    topic,
    bytes,
    headers,
    storedAt,
    replay: undefined,
    verdict: undefined,
  };
}
