import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const prefix = 'terabus-run-';
const dayMs = 24 * 60 * 60 * 1000;

/** How long the watchdogs of a killed run may take to end their servers and remove their folders themselves. */
const watchdogMs = 1_000;

/**
 * @typedef {object} TempRoot
 * @property {string} folder
 * @property {() => Promise<void>} settle resolves when those who use the folder have left it, or had their time
 */

/**
 * One folder for everything temporary of a run, which its children find in TERABUS_TMP. When this process exits,
 * however its children ended, processes that still belong to the run are killed and the folder is removed. One that a
 * killed run left behind is removed by a run of another day.
 *
 * @returns {TempRoot}
 */
export function makeTempRoot() {
  sweep();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.on('exit', () => {
    killUsers(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  return { folder, settle: () => settle(folder) };
}

/** @param {string} folder */
async function settle(folder) {
  const isUsed = () => readdirSync(folder, { withFileTypes: true }).some((entry) => entry.isDirectory());
  for (const end = Date.now() + watchdogMs; isUsed() && Date.now() < end; ) await pause(20);
}

/**
 * Children that lead sessions of their own, as servers and their watchdogs do, are in no group that could be killed;
 * but all of them carry the folder in their environment. Only Linux lets us see it; elsewhere the watchdogs have to do.
 *
 * @param {string} folder
 */
function killUsers(folder) {
  if (process.platform !== 'linux') return;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (environment.includes(`TERABUS_TMP=${folder}`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Somebody else's, or gone meanwhile.
    }
  }
}

function sweep() {
  for (const name of readdirSync(tmpdir()).filter((each) => each.startsWith(prefix))) {
    const folder = join(tmpdir(), name);
    try {
      if (Date.now() - statSync(folder).mtimeMs > dayMs) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody else's, or removed by another run meanwhile.
    }
  }
}
