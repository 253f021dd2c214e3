import { BusError } from '@terabus/messages';
import { toSubject } from './escape.js';
import { checkStoreSubject } from './own.js';
import { checkPattern } from './pattern.js';
import { printable } from './printable.js';

/**
 * The longest subject, namespace included, in bytes. NATS itself closes the connection
 * near its control line of 4,096 bytes; 255 is what fits everywhere, with room for the names around it.
 */
export const MAX_SUBJECT_BYTES = 255;

/**
 * Checks that a text can be a namespace: 1 to 32 ASCII letters, digits, `_` or `-`, so that it goes into subjects,
 * streams and file names as it is.
 *
 * @throws BusError `TERABUS_NAMESPACE_INVALID`
 */
export function checkNamespace(namespace: unknown): asserts namespace is string {
  if (typeof namespace === 'string' && /^[A-Za-z0-9_-]{1,32}$/.test(namespace)) return;
  throw new BusError(`a namespace is 1 to 32 ASCII letters, digits, "_" or "-", not ${printable(namespace)}`, {
    reason: 'TERABUS_NAMESPACE_INVALID',
  });
}

/**
 * Puts a subject or a pattern behind a namespace: `@prod.` in front. No topic has a subject that begins with `@`, so
 * deployments with and without a namespace never meet. Without a namespace it is the same text. The namespace was
 * checked when it was configured.
 */
export function withNamespace(subject: string, namespace?: string): string {
  return namespace === undefined ? subject : `@${namespace}.${subject}`;
}

/** The way back of {@link withNamespace}; undefined for a subject that does not lie in this namespace. */
export function withoutNamespace(subject: string, namespace?: string): string | undefined {
  if (namespace === undefined) return subject.startsWith('@') ? undefined : subject;
  const prefix = `@${namespace}.`;
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : undefined;
}

/**
 * The subject on the wire of a topic: escaped, behind its namespace, not too long.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID`, `TERABUS_TOPIC_TOO_LONG`, `TERABUS_NAMESPACE_INVALID`
 */
export function checkedSubject(topic: string, namespace?: string): string {
  if (namespace !== undefined) checkNamespace(namespace);
  return notTooLong(withNamespace(toSubject(topic), namespace), topic);
}

/**
 * The subject on the wire of a pattern: checked, behind its namespace, not too long.
 *
 * @throws BusError `TERABUS_PATTERN_INVALID`, `TERABUS_TOPIC_TOO_LONG`, `TERABUS_NAMESPACE_INVALID`
 */
export function checkedPattern(pattern: string, namespace?: string): string {
  if (namespace !== undefined) checkNamespace(namespace);
  checkPattern(pattern);
  return notTooLong(withNamespace(pattern, namespace), pattern);
}

/**
 * The subject on the wire of what is stored, at a topic or among retries or dead letters: checked, behind its
 * namespace, not too long.
 *
 * @throws BusError `TERABUS_SUBJECT_INVALID`, `TERABUS_TOPIC_TOO_LONG`, `TERABUS_NAMESPACE_INVALID`
 */
export function checkedStoreSubject(subject: string, namespace?: string): string {
  if (namespace !== undefined) checkNamespace(namespace);
  checkStoreSubject(subject);
  return notTooLong(withNamespace(subject, namespace), subject);
}

function notTooLong(subject: string, topic: string): string {
  // A subject is ASCII: characters are bytes.
  if (subject.length <= MAX_SUBJECT_BYTES) return subject;
  throw new BusError(`the subject of ${printable(topic)} has ${subject.length} bytes, more than ${MAX_SUBJECT_BYTES}`, {
    reason: 'TERABUS_TOPIC_TOO_LONG',
  });
}
