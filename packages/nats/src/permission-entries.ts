import { overlaps } from '@terabus/core/transport';

/** One subject or pattern that a user is granted, namespace included. */
export interface Entry {
  readonly pattern: string;
  /** The queue group with which it may be subscribed to: a name, or `*` for any. Undefined for none. */
  readonly queue?: string | undefined;
}

/** One half of the permissions of a user, as the configuration of a nats-server has it. */
export interface Grants {
  /** Subjects, patterns, and for subscriptions `subject queue`. Sorted, none covered by another. */
  readonly allow: readonly string[];
  /**
   * What `allow` would let through beyond what it says. `['>']` where nothing is allowed: an empty `allow` allows
   * everything. Otherwise only for subscriptions: `a.*` in `allow` also lets `a.>` through, until `a.*.>` stands here;
   * where `a.*.c` is granted too, `a.*.*.>`, and then `a.>` hears three tokens.
   */
  readonly deny?: readonly string[];
}

/** Grants to publish. */
export function publishGrants(entries: readonly Entry[]): Grants {
  const allow = texts(uncovered(entries));
  return allow.length === 0 ? NOTHING : { allow };
}

/** Grants to subscribe. */
export function subscribeGrants(entries: readonly Entry[]): Grants {
  const needed = uncovered(entries);
  if (needed.length === 0) return NOTHING;
  const deny = texts(uncovered(needed.flatMap(({ pattern }) => beyond(pattern, needed))));
  return { allow: texts(needed), ...(deny.length > 0 && { deny }) };
}

/**
 * What a final `*` lets through beyond one token, level by level, but for those where something is granted: that must
 * not be denied in passing.
 */
function beyond(pattern: string, needed: readonly Entry[]): Entry[] {
  if (!/(?:^|\.)\*$/.test(pattern)) return [];
  const isGranted = (below: string) => needed.some((granted) => overlaps(granted.pattern, below));
  const denied: Entry[] = [];
  let level = `${pattern}.*`;
  for (; isGranted(`${level.slice(0, -1)}>`); level += '.*') if (!isGranted(level)) denied.push({ pattern: level });
  return [...denied, { pattern: `${level.slice(0, -1)}>` }];
}

const NOTHING: Grants = { allow: [], deny: ['>'] };

const text = ({ pattern, queue }: Entry): string => (queue === undefined ? pattern : `${pattern} ${queue}`);
const texts = (entries: readonly Entry[]): string[] => entries.map(text).sort();

function uncovered(entries: readonly Entry[]): Entry[] {
  const different = [...new Map(entries.map((entry) => [text(entry), entry])).values()];
  return different.filter((entry) => !different.some((other) => other !== entry && covers(other, entry)));
}

/**
 * Whether one grant is of no use beside another. `a.b` does not cover `a.b queue`: alone it lets any queue group
 * subscribe, together with the other only that one.
 */
function covers(wide: Entry, narrow: Entry): boolean {
  if (wide.queue !== narrow.queue && !(wide.queue === '*' && narrow.queue !== undefined)) return false;
  const tokens = narrow.pattern.split('.');
  const wideTokens = wide.pattern.split('.');
  for (const [i, token] of wideTokens.entries()) {
    const other = tokens[i];
    if (other === undefined) return false;
    if (token === '>') return true;
    if (token !== other && (token !== '*' || other === '>')) return false;
  }
  return tokens.length === wideTokens.length;
}
