import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mask } from './mask.js';
import { parseSource } from './source.js';

/** @param {string} text */
const importsOf = (text) =>
  parseSource({ path: 'a.ts', text }).imports.map(
    ({ specifier, line, typeOnly }) => `${line} ${specifier}${typeOnly ? ' type' : ''}`,
  );

test('every form of import is found, with its line', () => {
  const text = [
    "import a from 'a';",
    "import type { B } from 'b';",
    "import { type C } from './c.js';",
    "import 'd';",
    "export * from 'e';",
    'export type { F } from "f";',
    'import {',
    '  g,',
    "} from 'g';",
    "const h = await import('h');",
    "import type from 'i';",
    "export { j, k as default } from './j.js';",
    "import * as l from 'l';",
  ].join('\n');
  assert.deepEqual(importsOf(text), [
    '1 a',
    '2 b type',
    '3 ./c.js',
    '4 d',
    '5 e',
    '6 f type',
    '7 g',
    '10 h',
    '11 i',
    '12 ./j.js',
    '13 l',
  ]);
});

test('comments, strings, templates and regular expressions import nothing', () => {
  const text = [
    "// import a from 'a';",
    "/** import b from 'b'; */",
    'const c = "import c from \'c\'";',
    "const d = `import d from 'd' ${1 + 1} import e from 'e'`;",
    "const f = /import g from 'g'/;",
    'export const from = 1;',
    "export const text = 'x';",
  ].join('\n');
  assert.deepEqual(importsOf(text), []);
});

test('code inside a template stays code, and positions stay', () => {
  const text = "const a = `x ${b({ c: 'd' })} y`; // z\ne();";
  assert.equal(mask(text), "const a = `  ${b({ c: ' ' })}  `;     \ne();");
});

test('a division is no regular expression', () => {
  assert.equal(mask("a / b / c; d = 'x'"), "a / b / c; d = ' '");
});
