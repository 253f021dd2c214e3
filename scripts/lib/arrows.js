import { builtinModules } from 'node:module';
import { isSpec } from './source.js';
import { targetOf } from './workspace.js';

/** @import { Import, Source } from './source.js' */
/** @import { Breach, Package, Workspace } from './workspace.js' */

/**
 * Who may import whom, type imports and specs included. Nothing below `testing` imports it, and the specs of
 * `messages` and `core` have nothing but `@terabus/core/memory` to run on.
 *
 * @type {Record<string, readonly string[]>}
 */
const arrows = {
  messages: [],
  core: ['messages'],
  nats: ['core', 'messages'],
  testing: ['core', 'messages'],
  sql: ['core', 'messages'],
  gateway: ['core', 'messages'],
  telemetry: ['core', 'messages'],
  'redis-bridge': ['core', 'messages'],
  cli: ['messages', 'core', 'nats', 'testing', 'sql', 'gateway', 'telemetry', 'redis-bridge'],
};

/** Libraries that one file of one package knows. */
const walled = [{ library: 'nats', package: 'nats' }];

const scope = '@terabus/';

/**
 * Every import that breaks a rule of the packages.
 *
 * @param {Workspace} workspace
 * @returns {Breach[]}
 */
export function arrowBreaches({ packages, users }) {
  const doors = new Set(packages.flatMap((each) => [...each.doors.keys()]));
  return [
    ...packages.flatMap((from) => [
      ...dependencyBreaches(from),
      ...from.sources.flatMap((source) => source.imports.flatMap((each) => packageImport(from, source, each, doors))),
    ]),
    ...users.flatMap((source) => source.imports.flatMap((each) => userImport(source, each, doors))),
    ...walled.flatMap((wall) => wallBreaches(wall, packages)),
  ];
}

/**
 * @param {Package} from
 * @param {Source} source
 * @param {Import} statement
 * @param {ReadonlySet<string>} doors
 * @returns {Breach[]}
 */
function packageImport(from, source, { specifier, line }, doors) {
  const breach = (/** @type {string} */ rule) => [{ path: source.path, line, rule }];
  const name = shortName(from);

  if (specifier.startsWith('.')) {
    const isInside = targetOf(source.path, specifier).startsWith(`${from.folder}/`);
    return isInside ? [] : breach(`imports ${specifier}: files of another package are reached by its doors only.`);
  }
  if (specifier.startsWith(scope)) {
    const [other = ''] = specifier.slice(scope.length).split('/');
    if (other === name) return breach(`imports its own package by name: inside a package, paths are relative.`);
    if (!arrows[name]?.includes(other))
      return breach(`${scope}${name} may not import ${scope}${other}: it may import ${allowed(name)}.`);
    if (!doors.has(specifier))
      return breach(`imports ${specifier}, which is no door: ${scope}${other}'s package.json exports no such path.`);
  }
  if (isBuiltin(specifier) || isSpec(source.path) || isDeclared(from, specifier)) return [];
  return breach(
    `imports ${libraryOf(specifier)}, which ${from.folder}/package.json has neither in dependencies nor in peerDependencies.`,
  );
}

/**
 * @param {Source} source
 * @param {Import} statement
 * @param {ReadonlySet<string>} doors
 * @returns {Breach[]}
 */
function userImport(source, { specifier, line }, doors) {
  const breach = (/** @type {string} */ rule) => [{ path: source.path, line, rule }];
  if (specifier.startsWith('.') && targetOf(source.path, specifier).startsWith('packages/'))
    return breach(`imports ${specifier}: files of a package are reached by its doors only.`);
  if (specifier.startsWith(scope) && !doors.has(specifier) && isPackage(specifier, doors))
    return breach(`imports ${specifier}, which is no door of that package.`);
  return [];
}

/**
 * What package.json declares points the same way as the imports.
 *
 * @param {Package} from
 * @returns {Breach[]}
 */
function dependencyBreaches(from) {
  const name = shortName(from);
  const path = `${from.folder}/package.json`;
  if (!(name in arrows))
    return [
      { path, line: 1, rule: `${scope}${name} has no place in the table of scripts/lib/arrows.js: give it one.` },
    ];
  const { dependencies, peerDependencies, devDependencies } = from.manifest;
  return Object.keys({ ...dependencies, ...peerDependencies, ...devDependencies })
    .filter((each) => each.startsWith(scope) && !arrows[name]?.includes(each.slice(scope.length)))
    .map((each) => ({
      path,
      line: 1,
      rule: `${scope}${name} may not depend on ${each}: it may depend on ${allowed(name)}.`,
    }));
}

/**
 * @param {{ library: string, package: string }} wall
 * @param {readonly Package[]} packages
 * @returns {Breach[]}
 */
function wallBreaches({ library, package: owner }, packages) {
  const uses = packages.flatMap((from) =>
    from.sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier }) => libraryOf(specifier) === library)
        .map(({ line }) => ({ path, line, name: shortName(from) })),
    ),
  );
  const [first] = uses.filter(({ name }) => name === owner);
  return uses
    .filter(({ path }) => path !== first?.path)
    .map(({ path, line }) => ({
      path,
      line,
      rule: `imports ${library}: exactly one file does, ${first?.path ?? `in packages/${owner}`}.`,
    }));
}

/** @param {Package} from */
const shortName = (from) => from.manifest.name.replace(scope, '');

/** @param {string} name */
const allowed = (name) => arrows[name]?.map((each) => `${scope}${each}`).join(', ') || 'none of the others';

/**
 * @param {Package} from
 * @param {string} specifier
 */
function isDeclared(from, specifier) {
  const { dependencies, peerDependencies } = from.manifest;
  return libraryOf(specifier) in { ...dependencies, ...peerDependencies };
}

/** `a` of `a/b`, `@a/b` of `@a/b/c`.
 *
 * @param {string} specifier
 */
const libraryOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** @param {string} specifier */
const isBuiltin = (specifier) => specifier.startsWith('node:') || builtinModules.includes(specifier);

/**
 * Examples have packages of their own under the same scope.
 *
 * @param {string} specifier
 * @param {ReadonlySet<string>} doors
 */
const isPackage = (specifier, doors) => doors.has(libraryOf(specifier));
