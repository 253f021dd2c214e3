import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.js';
import { runQuietly } from './run-quietly.js';

/**
 * The files that differ from the last commit, untracked ones included, each with a hash of what it holds now. A tree
 * that was dirty before is told apart from one that a command made dirty.
 *
 * @returns {Promise<Map<string, string>>}
 */
export async function treeState() {
  const status = await runQuietly(
    'git',
    ['status', '--porcelain', '--untracked-files=all', '--no-renames', '-z'],
    'git could not tell which files changed.',
  );
  const paths = status
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.slice(3));
  return new Map(paths.map((path) => [path, hashOf(join(root, path))]));
}

/**
 * The paths whose content differs between two states.
 *
 * @param {ReadonlyMap<string, string>} before
 * @param {ReadonlyMap<string, string>} after
 */
export const changedPaths = (before, after) =>
  [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path)).sort();

/** @param {string} file */
function hashOf(file) {
  if (!existsSync(file) || !lstatSync(file).isFile()) return 'none';
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
