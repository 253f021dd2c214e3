import { isSpec, lineAt } from './source.js';

/** @import { Breach, Workspace } from './workspace.js' */

/** What reads or waits for real time. */
const real = [
  { name: 'setTimeout', pattern: /\bsetTimeout\b/g },
  { name: 'setInterval', pattern: /\bsetInterval\b/g },
  { name: 'setImmediate', pattern: /\bsetImmediate\b/g },
  { name: 'Date.now', pattern: /\bDate\s*\.\s*now\b/g },
  { name: 'new Date()', pattern: /\bnew\s+Date\b\s*(?:\(\s*\)|(?!\s*\())/g },
  { name: 'performance.now', pattern: /\bperformance\s*\.\s*now\b/g },
  { name: 'process.hrtime', pattern: /\bprocess\s*\.\s*hrtime\b/g },
  { name: 'AbortSignal.timeout', pattern: /\bAbortSignal\s*\.\s*timeout\b/g },
];

/**
 * Where it may be named. `setImmediate` takes no time: the memory broker delivers in a turn of its own, a delivery group
 * leaves turns to others, a batching publisher sends at the end of one, and so does the NATS transport to whoever tries again what failed at once; it turns while it awaits a single answer. The log's
 * destination waits for a real pipe. The launcher of nats-servers waits for real processes. The chaos kit delays bytes of real
 * sockets, whose two ends have no clock in common.
 */
const exceptions = [
  { path: 'packages/core/src/transport/system-clock.ts', names: real.map(({ name }) => name) },
  { path: 'packages/core/src/transport/memory/', names: ['setImmediate'] },
  { path: 'packages/core/src/routing/turn.ts', names: ['setImmediate'] },
  { path: 'packages/core/src/publishing/batcher.ts', names: ['setImmediate'] },
  { path: 'packages/core/src/observe/log-destination.ts', names: ['setTimeout', 'Date.now'] },
  { path: 'packages/nats/src/turn.ts', names: ['setImmediate'] },
  { path: 'packages/testing/src/server/', names: real.map(({ name }) => name) },
  { path: 'packages/testing/src/chaos/', names: real.map(({ name }) => name) },
];

const rule = (/** @type {string} */ name) =>
  `names ${name}: all time comes from the Clock port, so that tests can move it (exceptions stand in scripts/lib/time.js).`;

/**
 * Sources of packages, specs apart, that see time without the clock.
 *
 * @param {Workspace} workspace
 * @returns {Breach[]}
 */
export function timeBreaches({ packages }) {
  const sources = packages
    .flatMap((each) => each.sources)
    .filter(({ path }) => path.includes('/src/') && !isSpec(path));
  return sources.flatMap(({ path, text, code, imports }) => {
    const forbidden = real.filter(
      ({ name }) => !exceptions.some((each) => path.startsWith(each.path) && each.names.includes(name)),
    );
    const named = forbidden.flatMap(({ name, pattern }) =>
      [...code.matchAll(pattern)].map(({ index }) => ({ path, line: lineAt(text, index), rule: rule(name) })),
    );
    const timers = imports
      .filter(({ specifier }) => forbidden.length === real.length && /^(node:)?timers(\/|$)/.test(specifier))
      .map(({ specifier, line }) => ({ path, line, rule: rule(specifier) }));
    return [...named, ...timers];
  });
}
