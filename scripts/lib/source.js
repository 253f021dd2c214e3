import { mask } from './mask.js';

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {number} line
 * @property {boolean} typeOnly it vanishes in the built code
 */

/** @typedef {{ path: string, text: string }} SourceText `path`: from the root of the repository */

/**
 * @typedef {object} Source
 * @property {string} path
 * @property {string} text
 * @property {string} code the text without comments and contents of strings, every position kept
 * @property {readonly Import[]} imports
 */

/** `import … from`, `export … from`, `import '…'`, `import('…')` and `require('…')`, up to the quote. */
const statement =
  /(?<![.\w$])(?:(?:import|export)\s+(?<type>type\s+(?!from\b|,))?(?:[\w$*{][^'"`;()=]*?)?\bfrom\s*|import\s*(?=['"])|(?:import|require)\s*\(\s*)(?<quote>['"])/g;

/**
 * @param {SourceText} file
 * @returns {Source}
 */
export function parseSource({ path, text }) {
  const code = mask(text);
  const imports = [...code.matchAll(statement)].map((match) => {
    const begin = match.index + match[0].length;
    const specifier = text.slice(begin, code.indexOf(match.groups?.quote ?? "'", begin));
    // `import('x').Y` in a type can't be told from a call, and counts as one.
    return { specifier, line: lineAt(text, match.index), typeOnly: match.groups?.type !== undefined };
  });
  return { path, text, code, imports };
}

/**
 * @param {string} text
 * @param {number} index
 */
export const lineAt = (text, index) => text.slice(0, index).split('\n').length;

/** @param {string} path */
export const isSpec = (path) => /\.(spec|spec-d|test-d|types)\.[mc]?[jt]sx?$/.test(path);
