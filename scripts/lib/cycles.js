import { isSpec } from './source.js';
import { targetOf } from './workspace.js';

/** @import { Breach, Workspace } from './workspace.js' */

/**
 * Files of a package that import each other in a circle at run time: which of them runs first then depends on who was
 * imported first. Type imports may go in circles.
 *
 * @param {Workspace} workspace
 * @returns {Breach[]}
 */
export function cycleBreaches({ packages }) {
  return packages.flatMap(({ sources }) => {
    const files = new Map(sources.filter(({ path }) => !isSpec(path)).map((source) => [source.path, source]));
    const importsOf = (/** @type {string} */ path) =>
      (files.get(path)?.imports ?? [])
        .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        .map(({ specifier, line }) => ({ path: targetOf(path, specifier), line }))
        .filter((target) => files.has(target.path));

    /** @type {Breach[]} */
    const breaches = [];
    const done = new Set();
    const visit = (/** @type {string} */ path, /** @type {string[]} */ trail) => {
      for (const target of importsOf(path)) {
        const begin = trail.indexOf(target.path);
        if (begin >= 0) {
          const circle = [...trail.slice(begin), target.path].join(' → ');
          breaches.push({ path, line: target.line, rule: `closes a cycle of imports: ${circle}.` });
        } else if (!done.has(target.path)) {
          visit(target.path, [...trail, target.path]);
        }
      }
      done.add(path);
    };
    for (const path of files.keys()) if (!done.has(path)) visit(path, [path]);
    return breaches;
  });
}
