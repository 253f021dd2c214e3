import { escapeBytes } from './escape.js';
import { checkNamespace } from './namespace.js';
import { checkTopic } from './topic.js';

/** The longest name, in characters. NATS takes 255, but puts names into file paths and other names. */
const MAX_NAME_LENGTH = 64;

/** A head of whole escapes: cut inside of one, the marker of the hash could be read as its rest. */
const WHOLE_ESCAPES = /^(?:[A-Za-z0-9-]|_[_-]|_[0-9A-F]{2})*/;

/**
 * The name of a stream, consumer, queue group or bucket for any text: a topic, a pattern, a service's name and a
 * pattern. NATS takes only `A-Z a-z 0-9 - _` in names of buckets and its clients in all of them, so subjects' `%`
 * can't serve here: `.` is `__` and every other character outside of these, and `_` itself, is `_XX` per UTF-8 byte.
 * A namespace stands in front as `prod_-`. What would be longer than 64 characters ends, after what fits of it, with
 * `_h` and a hash of the whole.
 *
 * No two unhashed names are equal, and none equals a hashed one (`_h` and `_-` escape nothing). Two hashed names are
 * equal if their heads and 64 bits of FNV-1a are: by accident, two among some four billion long names. It is no
 * defence against texts made to collide; names come from contracts and configuration, not from messages.
 *
 * @throws BusError `TERABUS_TOPIC_INVALID` for a text that is no topic, `TERABUS_NAMESPACE_INVALID`
 */
export function toName(text: string, namespace?: string): string {
  checkTopic(text);
  const name = namespace === undefined ? escapeName(text) : `${namespacePart(namespace)}${escapeName(text)}`;
  if (name.length <= MAX_NAME_LENGTH) return name;
  const ending = `_h${fnv1a64(name).toString(16).padStart(16, '0')}`;
  const head = WHOLE_ESCAPES.exec(name.slice(0, MAX_NAME_LENGTH - ending.length))?.[0] ?? '';
  return head + ending;
}

function namespacePart(namespace: string): string {
  checkNamespace(namespace);
  return `${escapeName(namespace)}_-`;
}

function escapeName(text: string): string {
  return text.replace(/[^A-Za-z0-9-]/gu, (character) => (character === '.' ? '__' : escapeBytes(character, '_')));
}

/** FNV-1a of ASCII text in 64 bits; here because node:crypto does not exist in browsers. Runs at start only. */
function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < text.length; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(i))) * 0x100000001b3n);
  }
  return hash;
}
