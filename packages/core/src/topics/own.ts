// Subjects that are Terabus' own. They begin with `_`, as no topic's subject does, so nobody else's message lies there.
import { BusError } from '@terabus/messages';
import { fromSubject } from './escape.js';
import { printable } from './printable.js';

/** Below it the streams of `lastValue` topics publish what they have stored, with its numbers. */
export const LIVE = '_LIVE';

const LIVE_PREFIX = `${LIVE}.`;
const STORED = /^_(?:RETRY|DEAD)\./;

/** A pattern without what makes it one of live copies: `a.*` for `_LIVE.a.*`. */
export function withoutLive(pattern: string): string {
  return pattern.startsWith(LIVE_PREFIX) ? pattern.slice(LIVE_PREFIX.length) : pattern;
}

/** A subject or pattern of a stream without what marks it as Terabus' own: `a.b` for `_RETRY.a.b`. */
export function withoutOwn(subject: string): string {
  return subject.replace(STORED, '');
}

/**
 * The topic of a subject that reached a subscription; undefined for what is nobody's topic, which `>` and `*.a` get
 * as well: replies, JetStream's own messages, live copies. One of a `_LIVE.…` pattern gets live copies alone, under
 * the topic that they are copies of.
 *
 * @throws BusError `TERABUS_SUBJECT_INVALID`
 */
export function topicFor(pattern: string, subject: string): string | undefined {
  const isLive = subject.startsWith(LIVE_PREFIX);
  if (isLive !== pattern.startsWith(LIVE_PREFIX) || (!isLive && /^[$_@]/.test(subject))) return undefined;
  return fromSubject(withoutLive(subject));
}

/**
 * Checks that something can be stored at a subject: a topic's, or one of retries or dead letters.
 *
 * @throws BusError `TERABUS_SUBJECT_INVALID`
 */
export function checkStoreSubject(subject: string): void {
  if (typeof subject !== 'string') {
    throw new BusError(`${printable(subject)} is not a subject`, { reason: 'TERABUS_SUBJECT_INVALID' });
  }
  fromSubject(withoutOwn(subject));
}
