import { randomBytes } from 'node:crypto';
import { MAX_SUBJECT_BYTES, toName, withNamespace, withoutNamespace } from '@terabus/core/transport';

/** Which foreign shapes of reply subjects are answered. */
export interface ForeignReplies {
  readonly inbox: boolean;
  readonly crossAccount: boolean;
}

/**
 * Kinds of reply subjects that may be refused: those of Terabus, of plain clients and of services imported from
 * another account when malformed or switched off, those that NATS keeps to itself (`$JS.API.…`), all others.
 */
export type ReplyShape = 'terabus' | 'inbox' | 'cross-account' | 'system' | 'other';

/** `_REPLY.<host>.<random>.<n>`, as {@link newReplyPrefix} makes them. */
const TERABUS = /^_REPLY\.[A-Za-z0-9_-]{1,64}\.[0-9a-f]{32}\.[0-9a-z]{1,11}$/;

/** `_INBOX.<nuid>` and what clients put behind it: a token per request (Go, JavaScript), another nuid (Python, Java). */
const INBOX = /^_INBOX\.[A-Za-z0-9]{22,}(?:\.[A-Za-z0-9]+)*$/;

/** What a server makes of the reply subject of a request from another account. */
const CROSS_ACCOUNT = /^_R_\.[A-Za-z0-9]{6,}(?:\.[A-Za-z0-9]+)*$/;

/**
 * A prefix for the reply subjects of one connection, `_REPLY.<host>.<random>.` behind the namespace: a number per
 * request follows. The host is the connection's name, so that a grant can give each service its own answers; the
 * random part (128 bits) keeps other connections of that name, and guesses, apart. The namespace stands in front
 * here too, so that one grant on `@<namespace>.>` holds a deployment; no topic's subject begins with `_`.
 */
export function newReplyPrefix(name: string, namespace: string | undefined): string {
  return withNamespace(`_REPLY.${toName(name)}.${randomBytes(16).toString('hex')}.`, namespace);
}

/**
 * Whether to answer to a subject that a caller named: undefined if so, else the shape it has. A caller that names
 * `$JS.API.STREAM.DELETE.S` would delete a stream with the rights of whoever answers, and one that names a topic would
 * publish there.
 */
export function refusedReply(
  subject: string,
  namespace: string | undefined,
  answered: ForeignReplies,
): ReplyShape | undefined {
  const own = withoutNamespace(subject, namespace);
  const fits = subject.length <= MAX_SUBJECT_BYTES;
  if (own?.startsWith('_REPLY.')) return fits && TERABUS.test(own) ? undefined : 'terabus';
  if (subject.startsWith('_INBOX.')) return fits && answered.inbox && INBOX.test(subject) ? undefined : 'inbox';
  if (subject.startsWith('_R_.')) {
    return fits && answered.crossAccount && CROSS_ACCOUNT.test(subject) ? undefined : 'cross-account';
  }
  return subject.startsWith('$') ? 'system' : 'other';
}
