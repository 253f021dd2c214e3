/**
 * `npm run check`: everything that has to hold before a change is whole. It writes what can be written (generated
 * code, formatting, lists of exported names); with CI=true or `--ci` it fails on any file that it had to write.
 */
import { checks } from './lib/checks.js';
import { ensureInstalled } from './lib/install.js';
import { seconds } from './lib/progress.js';
import { runScript, StepFailed } from './lib/step-failed.js';
import { changedPaths, treeState } from './lib/tree-state.js';

const isCi = process.env.CI === 'true' || process.argv.includes('--ci');

await runScript(async () => {
  await ensureInstalled();
  const before = isCi ? await treeState() : undefined;

  /** @type {string[]} */
  const failed = [];
  for (const { label, run } of checks) if (!(await passes(label, run))) failed.push(label);
  if (before && !(await passes('Nothing left to write', () => compare(before)))) failed.push('Nothing left to write');

  if (failed.length === 0) return 0;
  process.stderr.write(`\nFailed: ${failed.join(', ')}.\n`);
  return 1;
});

/**
 * Runs one check, prints its line, and its output if it fails.
 *
 * @param {string} label
 * @param {() => Promise<unknown>} run
 */
async function passes(label, run) {
  const begin = performance.now();
  try {
    await run();
    process.stderr.write(`✔ ${label} (${seconds(begin)})\n`);
    return true;
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    process.stderr.write(`✘ ${label} (${seconds(begin)}): ${error.message}\n`);
    if (error.output) process.stderr.write(`${error.output.trimEnd().replace(/^/gm, '    ')}\n`);
    return false;
  }
}

/** @param {ReadonlyMap<string, string>} before */
async function compare(before) {
  const changed = changedPaths(before, await treeState());
  if (changed.length > 0)
    throw new StepFailed('These files were not as `npm run check` writes them; run it and commit.', changed.join('\n'));
}
