import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { step } from './progress.js';
import { attempt, runQuietly } from './run-quietly.js';
import { StepFailed } from './step-failed.js';

/** Where package managers put it; Debian's folder is not in a user's PATH. */
const usualFolders = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/opt/homebrew/bin'];

const howToGetIt =
  'Install nats-server (Debian, Ubuntu: `apt-get install nats-server`; macOS: `brew install nats-server`; else see https://nats.io/download), or name the program in TERABUS_NATS_SERVER.';

/**
 * The nats-server program: the one TERABUS_NATS_SERVER names, else the first in PATH or where package managers put it.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} folders
 * @returns {string | undefined}
 * @throws {StepFailed} when TERABUS_NATS_SERVER names something else
 */
export function findNatsServer(env = process.env, folders = usualFolders) {
  const named = env.TERABUS_NATS_SERVER;
  if (named) return checked(named);
  return findProgram('nats-server', [...(env.PATH ?? '').split(delimiter), ...folders]);
}

/**
 * The nats-server program, installed by the system's package manager if there is none: at once for root and in CI,
 * else after a yes at the terminal.
 *
 * @returns {Promise<{ path: string } | { reason: string, output: string }>} `reason`: a sentence why there is none;
 *   `output`: what a failed installation printed
 * @throws {StepFailed} when TERABUS_NATS_SERVER names something else
 */
export async function ensureNatsServer() {
  const found = findNatsServer();
  if (found) return { path: found };

  const manager = packageManager();
  if (!manager) return { reason: `nats-server was not found. ${howToGetIt}`, output: '' };
  if (!(await mayInstall(manager))) {
    return { reason: `nats-server was not found, and was not installed. ${howToGetIt}`, output: '' };
  }

  try {
    await step(`Installing nats-server (${manager.name})`, manager.install);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return { reason: `${error.message} ${howToGetIt}`, output: error.output };
  }
  const path = findNatsServer();
  if (path) return { path };
  return { reason: `${manager.name} installed no nats-server that could be found. ${howToGetIt}`, output: '' };
}

/** @typedef {{ name: string, sudo: boolean, install: () => Promise<void> }} PackageManager */

const isRoot = () => process.getuid?.() === 0;

/** @returns {PackageManager | undefined} */
function packageManager() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const has = (/** @type {string} */ name) => findProgram(name, folders) !== undefined;
  if (process.platform === 'darwin' && has('brew')) return { name: 'brew', sudo: false, install: installByBrew };
  if (process.platform !== 'linux' || !has('apt-get')) return undefined;
  if (isRoot()) return { name: 'apt-get', sudo: false, install: () => installByApt([]) };
  return has('sudo') ? { name: 'apt-get', sudo: true, install: () => installByApt(['sudo']) } : undefined;
}

/** @param {PackageManager} manager */
async function mayInstall({ name, sudo }) {
  if (isRoot() || process.env.CI === 'true') return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const how = sudo ? `\`sudo ${name}\`` : `\`${name}\``;
    const answer = await terminal.question(`Terabus needs nats-server. Install it by ${how}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

async function installByBrew() {
  await runQuietly(
    'brew',
    ['install', 'nats-server'],
    'nats-server could not be installed by `brew install nats-server`.',
  );
}

/**
 * Debian starts a service with the package, where there is systemd: tests and examples start servers of their own, so
 * it is stopped and stays off.
 *
 * @param {readonly string[]} sudo
 */
async function installByApt(sudo) {
  const run = (/** @type {string[]} */ ...words) => {
    const [command = '', ...args] = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive', ...words];
    return attempt(command, args, { terminal: true });
  };
  const install = () => run('apt-get', 'install', '-y', 'nats-server');

  const isKnown = (await attempt('apt-cache', ['show', 'nats-server'])).code === 0;
  let result = isKnown ? await install() : undefined;
  if (result?.code !== 0) {
    // The lists of a fresh machine are empty, those of an old one name files that are gone.
    const update = await run('apt-get', 'update');
    result = update.code === 0 ? await install() : update;
  }
  if (result.code !== 0) throw new StepFailed('nats-server could not be installed by `apt-get`.', result.output);
  if (existsSync('/run/systemd/system')) await run('systemctl', 'disable', '--now', 'nats-server.service');
}

/**
 * @param {string} path
 * @returns {string}
 */
function checked(path) {
  try {
    const version = execFileSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000, stdio: 'pipe' });
    if (version.startsWith('nats-server:')) return path;
  } catch {
    // Said below.
  }
  throw new StepFailed(`TERABUS_NATS_SERVER is ${JSON.stringify(path)}, which is not a nats-server program that runs.`);
}

/**
 * @param {string} name
 * @param {readonly string[]} folders
 */
function findProgram(name, folders) {
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}
