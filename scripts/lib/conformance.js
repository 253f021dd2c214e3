import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.js';
import { StepFailed } from './step-failed.js';

/** @typedef {{ suite: string, over: string, title: string, runs: boolean }} Case */

const page = 'docs/conformance.md';
const mark = '<!-- Written by `npm run check` from the suites. -->';

/** Where suites are adopted, once built. */
const folders = ['packages/testing/dist/conformance', 'test/dist/conformance'];

/** Writes the results into the page: of each case, over which transport it runs. What is built is read, and not run. */
export async function writeConformance() {
  const { conformanceCases, neverRun } = await adopted();
  const cases = conformanceCases();
  const nowhere = neverRun(cases);
  if (nowhere.length > 0) throw new StepFailed('Some cases run over no transport.', nowhere.join('\n'));
  const [written = ''] = readFileSync(join(root, page), 'utf8').split(mark);
  writeFileSync(join(root, page), `${written}${mark}\n\n${conformanceTables(cases)}`);
}

/**
 * The door of the suites, when all that adopt them are loaded.
 *
 * @returns {Promise<{ conformanceCases(): readonly Case[], neverRun(cases: readonly Case[]): readonly string[] }>}
 */
async function adopted() {
  // Not at the top: in a fresh clone this file is read before anything is installed.
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({ ui: 'bdd' });
  for (const folder of folders) {
    const path = join(root, folder);
    if (!existsSync(path)) continue;
    for (const name of readdirSync(path).sort()) if (name.endsWith('.spec.js')) mocha.addFile(join(path, name));
  }
  await mocha.loadFilesAsync();
  const door = pathToFileURL(join(root, 'packages/testing/dist/conformance/index.js')).href;
  return await import(door);
}

/**
 * One table for each group of cases, in the order in which they are run.
 *
 * @param {readonly Case[]} cases
 * @returns {string}
 */
export function conformanceTables(cases) {
  const transports = [...new Set(cases.map(({ over }) => over))].sort();
  /** @type {Map<string, Map<string, Map<string, boolean>>>} */
  const groups = new Map();
  for (const { suite, title, over, runs } of cases) {
    const [group = '', ...rest] = title.split(': ');
    const rows = at(groups, `${suite}: ${group}`, () => new Map());
    at(rows, rest.join(': '), () => new Map()).set(over, runs);
  }
  const tables = [...groups].map(([group, rows]) =>
    [
      `### ${plain(group)}`,
      '',
      `| case | ${transports.join(' | ')} |`,
      `| --- |${transports.map(() => ' --- |').join('')}`,
      ...[...rows].map(([title, runs]) => {
        const cells = transports.map((over) => (runs.get(over) === undefined ? ' ' : runs.get(over) ? '✔' : '–'));
        return `| ${plain(title)} | ${cells.join(' | ')} |`;
      }),
    ].join('\n'),
  );
  return `${tables.join('\n\n')}\n`;
}

/**
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @param {() => V} make
 * @returns {V}
 */
function at(map, key, make) {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/**
 * Text that Markdown shows as it is.
 *
 * @param {string} text
 */
function plain(text) {
  return text.replace(/[\\`*_<>|[\]~&]/g, '\\$&').replace(/[\p{Cc}\p{Cf}\u2028]/gu, (character) => {
    return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  });
}
