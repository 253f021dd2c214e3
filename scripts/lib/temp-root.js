import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'terabus-run-';
const dayMs = 24 * 60 * 60 * 1000;

/**
 * One folder for everything temporary of a run. It is removed when this process exits, however its children ended;
 * one that a killed run left behind is removed by a run of the next day.
 *
 * @returns {string}
 */
export function makeTempRoot() {
  sweep();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
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
