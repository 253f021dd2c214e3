import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arrowBreaches } from './arrows.js';
import { build } from './build.js';
import { writeConformance } from './conformance.js';
import { cycleBreaches } from './cycles.js';
import { doorBreaches, exportList } from './exports.js';
import { generate } from './generate.js';
import { lockProblems } from './lock.js';
import { root } from './root.js';
import { runQuietly } from './run-quietly.js';
import { StepFailed } from './step-failed.js';
import { timeBreaches } from './time.js';
import { readWorkspace, sentences } from './workspace.js';

/** @import { Breach, Workspace } from './workspace.js' */

/** The image of proto/ that is on the wire: new messages may be added to it, nothing may be taken away. */
const protoImage = 'proto/opentera.binpb';

/** The root's, and that of what the bench compares Terabus with. */
const lockFiles = ['package-lock.json', 'test/bench/peers/package-lock.json'];

/** Names each door gives away, one file per package, so that a change of the public API shows in a diff. */
const exportsFolder = 'docs/exports';

/** @typedef {{ label: string, run: () => Promise<unknown> }} Check a check fails by throwing StepFailed */

/**
 * Everything `npm run check` does, in order: what changes files comes first.
 *
 * @type {readonly Check[]}
 */
export const checks = [
  { label: 'Lock file', run: checkLock },
  { label: 'Licenses', run: copyLicenses },
  { label: 'Generated code', run: generate },
  { label: 'Exported names', run: listExports },
  { label: 'Conformance table', run: () => build().then(writeConformance) },
  {
    label: 'Format',
    run: () => tool('biome', 'check', '--write', '--linter-enabled=false', '--error-on-warnings', '.'),
  },
  { label: 'Lint', run: () => tool('biome', 'lint', '--error-on-warnings', '.') },
  { label: 'Types', run: build },
  { label: 'Types of the scripts', run: () => tool('tsc', '-p', 'scripts') },
  { label: 'Unused code and dependencies', run: () => tool('knip', '--no-progress') },
  { label: 'Package arrows', run: rule((workspace) => [...arrowBreaches(workspace), ...doorBreaches(workspace)]) },
  { label: 'Import cycles', run: rule(cycleBreaches) },
  { label: 'Time only by the clock', run: rule(timeBreaches) },
  { label: 'Rules see their breaches', run: checkRules },
  { label: 'Proto style', run: () => tool('buf', 'lint') },
  { label: 'Proto compatibility', run: () => tool('buf', 'breaking', '--against', protoImage) },
];

/**
 * @param {string} name
 * @param {string[]} args
 */
function tool(name, ...args) {
  return runQuietly(name, args, `\`npx ${[name, ...args].join(' ')}\` failed.`);
}

/** @param {(workspace: Workspace) => readonly Breach[]} breachesOf */
function rule(breachesOf) {
  return async () => {
    const breaches = sentences(breachesOf(readWorkspace()));
    if (breaches.length > 0) throw new StepFailed(`${breaches.length} breaches.`, breaches.join('\n'));
  };
}

async function checkRules() {
  const files = readdirSync(join(root, 'scripts/lib')).filter((name) => name.endsWith('.test.js'));
  const paths = files.map((name) => join('scripts/lib', name));
  await runQuietly(process.execPath, ['--test', ...paths], 'The tests of the scripts failed.');
}

async function checkLock() {
  const problems = lockFiles.flatMap((path) => lockProblems(JSON.parse(readFileSync(join(root, path), 'utf8')), path));
  if (problems.length > 0) throw new StepFailed('A lock file does not serve every machine.', problems.join('\n'));
}

/** What is published is a folder of packages/, which has no other license than its own. */
async function copyLicenses() {
  for (const { folder } of readWorkspace().packages) copyFileSync(join(root, 'LICENSE'), join(root, folder, 'LICENSE'));
}

async function listExports() {
  const folder = join(root, exportsFolder);
  const lists = readWorkspace().packages.map((each) => [
    `${each.folder.slice('packages/'.length)}.txt`,
    exportList(each),
  ]);
  mkdirSync(folder, { recursive: true });
  const names = new Set(lists.map(([name]) => name));
  for (const stale of readdirSync(folder)) if (stale.endsWith('.txt') && !names.has(stale)) rmSync(join(folder, stale));
  for (const [name = '', text = ''] of lists) writeFileSync(join(folder, name), text);
}
