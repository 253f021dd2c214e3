import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.js';

/**
 * Sorts the arguments of `npm test` into files and the rest, which is mocha's. A source stands for what is built from
 * it, a folder for the specs in it.
 *
 * @param {readonly string[]} args
 * @returns {{ specs: string[], options: string[] }}
 */
export function specArguments(args) {
  const isPlace = (/** @type {string} */ arg) =>
    !arg.startsWith('-') && (/\.spec\.[jt]s$/.test(arg) || (arg.includes('/') && existsSync(join(root, arg))));
  return {
    specs: args.filter(isPlace).map(builtFrom),
    options: args.filter((arg) => !isPlace(arg)),
  };
}

/** @param {string} place */
function builtFrom(place) {
  const path = place.replace(/^\.\//, '').replace(/\/$/, '');
  if (path.endsWith('.spec.js')) return path;
  const built = path.includes('/dist/')
    ? path
    : path.replace(/^((?:packages|examples)\/[^/]+|test)(?:\/src)?/, '$1/dist');
  return built.endsWith('.ts') ? built.replace(/ts$/, 'js') : `${built}/**/*.spec.js`;
}
