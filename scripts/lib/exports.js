import { lineAt } from './source.js';
import { targetOf } from './workspace.js';

/** @import { Source } from './source.js' */
/** @import { Breach, Package, Workspace } from './workspace.js' */

const declaration =
  /\bexport\s+(?:declare\s+)?(?:default\s+)?(?:abstract\s+|async\s+)?(?<kind>const\s+enum|const|let|var|function\s*\*?|class|enum|interface|type|namespace)\s+(?<name>[\w$]+)/g;
const list = /\bexport\s+(?:type\s+)?\{(?<names>[^}]*)\}/g;
const star = /\bexport\s+(?:type\s+)?\*\s*(?:as\s+(?<name>[\w$]+)\s+)?from\s*['"]/g;

/**
 * The names that each door of a package gives away, as the text of docs/exports/<package>.txt.
 *
 * @param {Package} from
 * @returns {string}
 */
export function exportList(from) {
  const files = new Map(from.sources.map((source) => [source.path, source]));
  const doors = [...from.doors].filter(([, path]) => path.endsWith('.ts')).sort();
  return doors
    .map(([door, path]) => `${[door, ...namesOf(path, files).map((name) => `  ${name}`)].join('\n')}\n`)
    .join('\n');
}

/**
 * Doors of whose sources there are none.
 *
 * @param {Workspace} workspace
 * @returns {Breach[]}
 */
export function doorBreaches({ packages }) {
  return packages.flatMap(({ folder, doors, sources }) =>
    [...doors]
      .filter(([, path]) => path.endsWith('.ts') && !sources.some((source) => source.path === path))
      .map(([door, path]) => ({
        path: `${folder}/package.json`,
        line: 1,
        rule: `exports ${door}, but there is no ${path}.`,
      })),
  );
}

/**
 * @param {string} path
 * @param {ReadonlyMap<string, Source>} files
 * @param {ReadonlySet<string>} seen
 * @returns {string[]} sorted
 */
function namesOf(path, files, seen = new Set()) {
  const source = files.get(path);
  if (!source || seen.has(path)) return [];
  const names = new Set([...source.code.matchAll(declaration)].map(({ groups }) => groups?.name ?? ''));
  for (const { groups } of source.code.matchAll(list)) {
    for (const item of (groups?.names ?? '').split(',')) {
      const name = item.trim().split(/\s+/).at(-1);
      if (name) names.add(name);
    }
  }
  for (const { index, groups } of source.code.matchAll(star)) {
    if (groups?.name) names.add(groups.name);
    else
      for (const name of starNames(source, lineAt(source.text, index), files, new Set([...seen, path])))
        names.add(name);
  }
  return [...names].sort((a, b) => a.localeCompare(b, 'en'));
}

/**
 * @param {Source} source
 * @param {number} line
 * @param {ReadonlyMap<string, Source>} files
 * @param {ReadonlySet<string>} seen
 */
function starNames(source, line, files, seen) {
  const specifier = source.imports.find((each) => each.line === line)?.specifier ?? '';
  return specifier.startsWith('.') ? namesOf(targetOf(source.path, specifier), files, seen) : [`* from ${specifier}`];
}
