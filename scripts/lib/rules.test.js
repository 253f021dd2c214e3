import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrowBreaches } from './arrows.js';
import { cycleBreaches } from './cycles.js';
import { doorBreaches, exportList } from './exports.js';
import { timeBreaches } from './time.js';
import { makePackage, sentences } from './workspace.js';

/**
 * A package of the workspace: its files by their path inside it.
 *
 * @param {string} name
 * @param {Record<string, string>} files
 * @param {Partial<import('./workspace.js').Manifest>} [manifest]
 */
const pack = (name, files, manifest) =>
  makePackage(
    `packages/${name}`,
    {
      name: `@terabus/${name}`,
      exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
      ...manifest,
    },
    Object.entries(files).map(([path, text]) => ({ path: `packages/${name}/${path}`, text })),
  );

/** @param {...ReturnType<typeof pack>} packages */
const workspace = (...packages) => ({ packages, users: [] });

const messages = pack('messages', { 'src/index.ts': '' });
const core = pack('core', { 'src/index.ts': '' }, { dependencies: { '@terabus/messages': '0.1.0' } });

test('imports along the arrows are fine', () => {
  const nats = pack(
    'nats',
    {
      'src/index.ts': "import '@terabus/core';\nimport './nats-client.js';\nimport 'node:fs';",
      'src/nats-client.ts': "import { connect } from 'nats';",
      'src/index.spec.ts': "import { expect } from 'chai';",
    },
    { dependencies: { '@terabus/core': '0.1.0', nats: '2' } },
  );
  assert.deepEqual(arrowBreaches(workspace(messages, core, nats)), []);
});

test('an import against the arrows is a breach, also of a type, also in a spec', () => {
  const low = pack('messages', { 'src/a.spec.ts': "\nimport type { Bus } from '@terabus/core';" });
  assert.deepEqual(sentences(arrowBreaches(workspace(low, core))), [
    'packages/messages/src/a.spec.ts:2 @terabus/messages may not import @terabus/core: it may import none of the others.',
  ]);
});

test('nothing below testing imports it, nor depends on it', () => {
  const low = pack(
    'nats',
    { 'src/a.spec.ts': "import '@terabus/testing';" },
    { devDependencies: { '@terabus/testing': '0.1.0' } },
  );
  assert.deepEqual(sentences(arrowBreaches(workspace(low, core))), [
    'packages/nats/package.json:1 @terabus/nats may not depend on @terabus/testing: it may depend on @terabus/core, @terabus/messages.',
    'packages/nats/src/a.spec.ts:1 @terabus/nats may not import @terabus/testing: it may import @terabus/core, @terabus/messages.',
  ]);
});

test('a package without a place in the table is a breach', () => {
  assert.deepEqual(sentences(arrowBreaches(workspace(pack('extra', {})))), [
    'packages/extra/package.json:1 @terabus/extra has no place in the table of scripts/lib/arrows.js: give it one.',
  ]);
});

test('deep imports, by name and by path, are breaches', () => {
  const deep = pack(
    'testing',
    { 'src/a.ts': "import '@terabus/core/dist/a.js';\nimport '../../core/src/a.js';\nimport '@terabus/testing';" },
    { dependencies: { '@terabus/core': '0.1.0' } },
  );
  const users = [
    {
      path: 'test/a.spec.ts',
      text: '',
      code: '',
      imports: [{ specifier: '../packages/core/src/a.js', line: 3, typeOnly: false }],
    },
  ];
  assert.deepEqual(sentences(arrowBreaches({ packages: [messages, core, deep], users })), [
    "packages/testing/src/a.ts:1 imports @terabus/core/dist/a.js, which is no door: @terabus/core's package.json exports no such path.",
    'packages/testing/src/a.ts:2 imports ../../core/src/a.js: files of another package are reached by its doors only.',
    'packages/testing/src/a.ts:3 imports its own package by name: inside a package, paths are relative.',
    'test/a.spec.ts:3 imports ../packages/core/src/a.js: files of a package are reached by its doors only.',
  ]);
});

test('a library that package.json does not declare is a breach, except in specs', () => {
  const one = pack('messages', { 'src/a.ts': "import '@bufbuild/protobuf/wire';", 'src/a.spec.ts': "import 'chai';" });
  assert.deepEqual(sentences(arrowBreaches(workspace(one))), [
    'packages/messages/src/a.ts:1 imports @bufbuild/protobuf, which packages/messages/package.json has neither in dependencies nor in peerDependencies.',
  ]);
});

test('a second file that imports nats is a breach', () => {
  const nats = pack(
    'nats',
    { 'src/a.ts': "import 'nats';", 'src/b.ts': "\n\nimport type { Msg } from 'nats';" },
    { dependencies: { nats: '2' } },
  );
  assert.deepEqual(sentences(arrowBreaches(workspace(nats))), [
    'packages/nats/src/b.ts:3 imports nats: exactly one file does, packages/nats/src/a.ts.',
  ]);
});

test('a cycle at run time is a breach, a cycle of types is none', () => {
  const one = pack('core', {
    'src/a.ts': "import './b.js';",
    'src/b.ts': "\nimport './c.js';",
    'src/c.ts': "import './a.js';",
    'src/d.ts': "import type { E } from './e.js';",
    'src/e.ts': "import './d.js';",
  });
  assert.deepEqual(sentences(cycleBreaches(workspace(one))), [
    'packages/core/src/c.ts:1 closes a cycle of imports: packages/core/src/a.ts → packages/core/src/b.ts → packages/core/src/c.ts → packages/core/src/a.ts.',
  ]);
});

test('each way to real time is a breach, except at the clock', () => {
  const lines = [
    'setTimeout(f, 1);',
    'globalThis.setInterval(f, 1);',
    'setImmediate(f);',
    'Date.now();',
    'new Date();',
    'performance.now();',
    'process.hrtime.bigint();',
    'AbortSignal.timeout(1);',
    "import { setTimeout as pause } from 'node:timers/promises';",
    '// setTimeout and Date.now in words are fine',
    "const fine = ['setTimeout', new Date(5)];",
  ].join('\n');
  const one = pack('core', { 'src/a.ts': lines, 'src/a.spec.ts': lines, 'src/transport/system-clock.ts': lines });
  const found = timeBreaches(workspace(one)).map(({ path, line, rule }) => `${path}:${line} ${rule.split(':')[0]}`);
  assert.deepEqual(found.sort(), [
    'packages/core/src/a.ts:1 names setTimeout',
    'packages/core/src/a.ts:2 names setInterval',
    'packages/core/src/a.ts:3 names setImmediate',
    'packages/core/src/a.ts:4 names Date.now',
    'packages/core/src/a.ts:5 names new Date()',
    'packages/core/src/a.ts:6 names performance.now',
    'packages/core/src/a.ts:7 names process.hrtime',
    'packages/core/src/a.ts:8 names AbortSignal.timeout',
    'packages/core/src/a.ts:9 names node',
    'packages/core/src/a.ts:9 names setTimeout',
  ]);
});

test('real processes and sockets are waited for in real time', () => {
  const line = 'setTimeout(f, 1);';
  const one = pack('testing', { 'src/server/a.ts': line, 'src/chaos/a.ts': line, 'src/harness/a.ts': line });
  const found = timeBreaches(workspace(one)).map(({ path }) => path);
  assert.deepEqual(found, ['packages/testing/src/harness/a.ts']);
});

test('the names of each door are listed, followed through its files', () => {
  const one = pack(
    'core',
    {
      'src/index.ts': [
        "export { b, type C, d as e } from './b.js';",
        "export type { F } from './b.js';",
        "export * from './g.js';",
        "export * as h from './h.js';",
        "export * from '@terabus/messages';",
        'export abstract class I {}',
        'export async function j() {}',
        '// export const hidden = 1;',
      ].join('\n'),
      'src/g.ts': 'export const g = 1;\nexport interface G {}\nconst own = 1;',
      'src/memory.ts': 'export {};',
    },
    { exports: { '.': './dist/index.js', './memory': './dist/memory.js' } },
  );
  const names = ['* from @terabus/messages', 'b', 'C', 'e', 'F', 'g', 'G', 'h', 'I', 'j'];
  assert.equal(
    exportList(one),
    `@terabus/core\n${names.map((name) => `  ${name}\n`).join('')}\n@terabus/core/memory\n`,
  );
});

test('a door without a source is a breach', () => {
  assert.deepEqual(sentences(doorBreaches(workspace(pack('core', {})))), [
    'packages/core/package.json:1 exports @terabus/core, but there is no packages/core/src/index.ts.',
  ]);
});
