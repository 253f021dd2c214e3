import { BusError } from '@terabus/messages';
import { printable } from './printable.js';
import { checkTopic } from './topic.js';

// Printable ASCII without space, `%`, `*`, `.` and `>`.
const PLAIN = '!-$&-)+-\\-/-=?-~';
const PLAIN_TOPIC = new RegExp(`^(?![$_@])[${PLAIN}]+(?:\\.[${PLAIN}]+)*$`);
const NOT_PLAIN = new RegExp(`[^${PLAIN}]`, 'gu');

/**
 * The NATS subject of a topic, without namespace. It is the same text for tokens of
 * printable ASCII without space, `*`, `>` and `%`; every other character, and a leading `$`, `_` or `@` of the first
 * token, is `%XX` per UTF-8 byte, and an empty token is a lone `%`. So every topic of OpenTera is its own subject,
 * and nothing that a user types reaches `$JS.API`, an inbox or another namespace.
 *
 * A bijection between topics and its image; {@link fromSubject} is the way back. The length is checked by
 * `checkedSubject`, since it counts the namespace.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID`
 */
export function toSubject(topic: string): string {
  if (typeof topic === 'string' && PLAIN_TOPIC.test(topic)) return topic;
  checkTopic(topic);
  return escapeTopic(topic);
}

/**
 * The topic of a NATS subject, without namespace. It refuses what {@link toSubject} never answers: raw or lower-case
 * or needless escapes, bytes that are not UTF-8, empty tokens, a first token that belongs to NATS. Otherwise two
 * subjects would be one topic, and a handler could be reached past the grants on its subject.
 *
 * @throws BusError `TERABUS_SUBJECT_INVALID`
 */
export function fromSubject(subject: string): string {
  if (typeof subject === 'string' && PLAIN_TOPIC.test(subject)) return subject;
  const topic = unescapeSubject(subject);
  if (topic === undefined) {
    throw new BusError(`${printable(subject)} is not the subject of any topic`, { reason: 'TERABUS_SUBJECT_INVALID' });
  }
  return topic;
}

/** Each character as `escapeWith` followed by two upper-case hexadecimal digits, per byte of its UTF-8 form. */
export function escapeBytes(character: string, escapeWith: string): string {
  const encoded = encodeURIComponent(character);
  // encodeURIComponent leaves some ASCII alone, `*` and `.` among them.
  const percents = encoded === character ? `%${character.charCodeAt(0).toString(16).toUpperCase()}` : encoded;
  return percents.replaceAll('%', escapeWith);
}

function escapeTopic(topic: string): string {
  const subject = topic
    .split('.')
    .map((token) => (token === '' ? '%' : token.replace(NOT_PLAIN, (character) => escapeBytes(character, '%'))))
    .join('.');
  return /^[$_@]/.test(subject) ? escapeBytes(subject.charAt(0), '%') + subject.slice(1) : subject;
}

function unescapeSubject(subject: string): string | undefined {
  try {
    const topic = subject
      .split('.')
      .map((token) => (token === '%' ? '' : decodeURIComponent(token)))
      .join('.');
    // Escaping again is the whole check: only what comes out as it went in lies in the image.
    return topic !== '' && escapeTopic(topic) === subject ? topic : undefined;
  } catch {
    return undefined;
  }
}
