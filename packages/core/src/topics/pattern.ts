import { BusError } from '@terabus/messages';
import { fromSubject } from './escape.js';
import { withoutLive, withoutOwn } from './own.js';
import { printable } from './printable.js';

/**
 * Checks a pattern, spelled as a subject without namespace: the token `*` stands for one token, a final `>` for one
 * or more, every other token is one that `toSubject` writes. A literal subject is a pattern too. `$JS.>` or
 * `_INBOX.*` are none, since no topic lies there; a pattern behind `_LIVE.` is one, of live copies.
 *
 * @throws BusError `TERABUS_PATTERN_INVALID`
 */
export function checkPattern(pattern: unknown): asserts pattern is string {
  try {
    if (typeof pattern !== 'string') throw new TypeError();
    const tokens = withoutLive(pattern).split('.');
    const last = tokens.length - 1;
    // With its wildcards filled in, a pattern must be the subject of a topic.
    fromSubject(tokens.map((token, i) => (token === '*' || (token === '>' && i === last) ? 'x' : token)).join('.'));
  } catch (cause) {
    throw new BusError(
      `${printable(pattern)} is not a pattern: tokens between dots, each a literal as in a subject, "*", or ">" at the end`,
      { reason: 'TERABUS_PATTERN_INVALID', cause },
    );
  }
}

/**
 * Checks a pattern of what lies in a stream: of topics, of retries or of dead letters.
 *
 * @throws BusError `TERABUS_PATTERN_INVALID`
 */
export function checkStorePattern(pattern: unknown): asserts pattern is string {
  checkPattern(typeof pattern === 'string' ? withoutOwn(pattern) : pattern);
}

/**
 * Whether a pattern matches a subject, by NATS's rules: `a.*` and `a.>` match `a.b` and not `a`; `>` alone matches
 * everything, so also what NATS keeps to itself: whoever subscribes to it drops what `fromSubject` refuses. Neither
 * argument is checked.
 */
export function matches(pattern: string, subject: string): boolean {
  return matchesTokens(pattern.split('.'), subject);
}

/**
 * {@link matches} for one pattern and many subjects: the pattern is checked and cut up once.
 *
 * @throws BusError `TERABUS_PATTERN_INVALID`
 */
export function compilePattern(pattern: string): (subject: string) => boolean {
  checkPattern(pattern);
  return matcherOf(pattern);
}

/** {@link matches} for one pattern and many subjects. The pattern is not checked. */
export function matcherOf(pattern: string): (subject: string) => boolean {
  const tokens = pattern.split('.');
  if (!tokens.includes('*') && !tokens.includes('>')) return (subject) => subject === pattern;
  return (subject) => matchesTokens(tokens, subject);
}

/** Whether there is a subject that both patterns match. Neither is checked. */
export function overlaps(patternA: string, patternB: string): boolean {
  const a = patternA.split('.');
  const b = patternB.split('.');
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (a[i] === '>' || b[i] === '>') return true;
    if (a[i] !== '*' && b[i] !== '*' && a[i] !== b[i]) return false;
  }
  return a.length === b.length;
}

// Runs for each message and each pattern of the memory broker: it cuts no subject into pieces.
function matchesTokens(tokens: readonly string[], subject: string): boolean {
  let start = 0;
  for (const token of tokens) {
    if (start > subject.length) return false;
    if (token === '>') return true;
    const dot = subject.indexOf('.', start);
    const end = dot === -1 ? subject.length : dot;
    if (token !== '*' && (end - start !== token.length || !subject.startsWith(token, start))) return false;
    start = end + 1;
  }
  return start > subject.length;
}
