import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { root } from './root.js';
import { parseSource } from './source.js';

/** @import { Source, SourceText } from './source.js' */

/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {Record<string, string | { types?: string, default?: string }>} [exports]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [devDependencies]
 */

/**
 * @typedef {object} Package
 * @property {string} folder from the root: `packages/core`
 * @property {Manifest} manifest
 * @property {Map<string, string>} doors what others may import, and the source behind it:
 *   `@terabus/core/memory` → `packages/core/src/transport/memory/index.ts`
 * @property {readonly Source[]} sources of `src` and `bin`, specs included
 */

/** @typedef {{ packages: readonly Package[], users: readonly Source[] }} Workspace `users`: examples and tests */

/** @typedef {{ path: string, line: number, rule: string }} Breach */

/**
 * Reads the workspace from disk.
 *
 * @returns {Workspace}
 */
export function readWorkspace() {
  const folders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  return {
    packages: folders
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
      .map((folder) =>
        makePackage(folder, JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')), [
          ...readSources(`${folder}/src`),
          ...readSources(`${folder}/bin`),
        ]),
      ),
    users: [...readSources('examples'), ...readSources('test')].map(parseSource),
  };
}

/**
 * @param {string} folder
 * @param {Manifest} manifest
 * @param {readonly SourceText[]} sources
 * @returns {Package}
 */
export function makePackage(folder, manifest, sources) {
  const doors = Object.entries(manifest.exports ?? {}).map(([door, target]) => {
    const built = typeof target === 'string' ? target : (target.default ?? target.types ?? '');
    const source = built.replace(/^\.\/dist\//, 'src/').replace(/(\.d)?\.[jt]s$/, '.ts');
    return /** @type {const} */ ([posix.join(manifest.name, door), posix.join(folder, source)]);
  });
  return { folder, manifest, doors: new Map(doors), sources: sources.map(parseSource) };
}

/**
 * The file a relative import means, from the root: TypeScript sources import each other as `.js`.
 *
 * @param {string} from
 * @param {string} specifier
 */
export function targetOf(from, specifier) {
  return posix.join(posix.dirname(from), specifier).replace(/\.(m?)js$/, '.$1ts');
}

/** The sentences of breaches, each with its place.
 *
 * @param {readonly Breach[]} breaches
 */
export const sentences = (breaches) => breaches.map(({ path, line, rule }) => `${path}:${line} ${rule}`);

/**
 * @param {string} folder
 * @returns {SourceText[]}
 */
function readSources(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !/(^|\/)(node_modules|dist)\//.test(path))
    .sort()
    .map((path) => ({ path: `${folder}/${path}`, text: readFileSync(join(root, folder, path), 'utf8') }));
}
