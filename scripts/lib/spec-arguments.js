import { readdirSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { root } from './root.js';
import { StepFailed } from './step-failed.js';

/** Mocha's options whose value may stand behind them as an argument of its own. */
const withValue =
  /^(?:-[fgjORrstu]|--(?:fgrep|grep|jobs|reporter|reporter-options?|require|retries|slow|timeout|timeouts|ui))$/;

/**
 * Sorts the arguments of `npm test` into files and the rest, which is mocha's. A source stands for what is built from
 * it, a folder for the specs in it. Anything else is refused: mocha would load it, and a script that is loaded runs.
 *
 * @param {readonly string[]} args
 * @returns {{ specs: string[], options: string[] }}
 * @throws {StepFailed}
 */
export function specArguments(args) {
  /** @type {string[]} */
  const specs = [];
  /** @type {string[]} */
  const options = [];
  for (const [n, arg] of args.entries()) {
    if (arg.startsWith('-') || withValue.test(args[n - 1] ?? '')) options.push(arg);
    else specs.push(builtFrom(arg));
  }
  return { specs, options };
}

/** @param {string} place */
function builtFrom(place) {
  const path = relative(root, resolve(root, place));
  const isFile = /\.spec\.[jt]s$/.test(path);
  if (!/^(?:packages|examples|test)(?:\/|$)/.test(path) || !(isFile || hasSpecs(path))) {
    throw new StepFailed(
      `'${place}' is no spec and no folder of specs, so nothing was run. Give files that end in .spec.ts, folders of packages/, examples/ or test/ that have some, and options of mocha, whose values may need an equals sign (--grep=drain).`,
    );
  }
  if (path.endsWith('.spec.js')) return path;
  const built = path.split('/').includes('dist')
    ? path
    : path.replace(/^((?:packages|examples)\/[^/]+|test)(?:\/src)?/, '$1/dist');
  return isFile ? built.replace(/ts$/, 'js') : `${built}/**/*.spec.js`;
}

/** @param {string} path */
function hasSpecs(path) {
  const folder = resolve(root, path);
  return (
    statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true &&
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((name) => /\.spec\.[jt]s$/.test(name))
  );
}
