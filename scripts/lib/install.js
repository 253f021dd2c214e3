import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { step } from './progress.js';
import { root } from './root.js';
import { runQuietly } from './run-quietly.js';

/** @import { Lock } from './lock.js' */

/**
 * Installs node_modules as package-lock.json says, unless they are there as it says.
 *
 * @param {string} [folder] with a package.json of its own, outside of the workspaces; there no script of a package is
 *   run. By default the root.
 */
export async function ensureInstalled(folder) {
  const inFolder = (/** @type {string} */ path) => join(folder ?? '', path);
  if (isInstalled(readLock(inFolder('package-lock.json')), readLock(inFolder('node_modules/.package-lock.json'))))
    return;
  const elsewhere = folder === undefined ? [] : ['--prefix', folder, '--ignore-scripts'];
  await step(`Installing packages (npm ci${folder === undefined ? '' : ` in ${folder}`})`, () =>
    runQuietly(
      'npm',
      ['ci', '--no-audit', '--no-fund', ...elsewhere],
      'The packages could not be installed: `npm ci` failed.',
    ),
  );
}

/**
 * Whether what npm last installed, which it records inside node_modules, is what the lock asks for. Optional packages
 * may be absent: they are those of other platforms.
 *
 * @param {Lock | undefined} wanted
 * @param {Lock | undefined} installed
 */
export function isInstalled(wanted, installed) {
  if (!wanted || !installed) return false;
  const paths = Object.keys(wanted.packages).filter((path) => path.includes('node_modules/'));
  const isThere = (/** @type {string} */ path) => {
    const want = wanted.packages[path];
    const have = installed.packages[path];
    return have ? have.version === want?.version && have.resolved === want?.resolved : want?.optional === true;
  };
  return paths.every(isThere) && Object.keys(installed.packages).every((path) => path in wanted.packages);
}

/**
 * @param {string} path
 * @returns {Lock | undefined}
 */
function readLock(path) {
  const file = join(root, path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}
