import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { findNatsServer } from './nats-server.js';
import { natsUrl } from './nats-url.js';
import { root } from './root.js';
import { specArguments } from './spec-arguments.js';

test('NATS_URL may be unset, one address or several', () => {
  for (const NATS_URL of [
    'localhost',
    'localhost:4222',
    'nats://a:4222,tls://b',
    'wss://user:word@c:443',
    'nats://[::1]:4222',
  ])
    assert.equal(natsUrl({ NATS_URL }), NATS_URL);
  assert.equal(natsUrl({}), undefined);
});

test('NATS_URL that is no address is refused with a sentence, without its password', () => {
  assert.throws(() => natsUrl({ NATS_URL: 'http://me:secret@a' }), {
    message: 'NATS_URL holds "http://…@a", which is no address of a NATS server such as nats://localhost:4222.',
  });
  for (const NATS_URL of ['a b', 'nats://', 'localhost:port', 'localhost,,b'])
    assert.throws(() => natsUrl({ NATS_URL }), /NATS_URL holds/);
});

test('TERABUS_NATS_SERVER that is no nats-server is refused with a sentence', () => {
  for (const TERABUS_NATS_SERVER of ['/nowhere', process.execPath])
    assert.throws(() => findNatsServer({ TERABUS_NATS_SERVER }), /is not a nats-server program that runs\.$/);
});

test('without nats-server in any folder there is none', () => {
  assert.equal(findNatsServer({ PATH: '/nowhere' }, []), undefined);
});

test('files among the arguments of `npm test` are told apart, sources stand for what is built from them', () => {
  assert.deepEqual(
    specArguments([
      '--grep',
      'packages',
      'packages/core/src/a/b.spec.ts',
      'test/types/c.spec.ts',
      'packages/core',
      'examples/x/dist/d.spec.js',
    ]),
    {
      specs: [
        'packages/core/dist/a/b.spec.js',
        'test/dist/types/c.spec.js',
        'packages/core/dist/**/*.spec.js',
        'examples/x/dist/d.spec.js',
      ],
      options: ['--grep', 'packages'],
    },
  );
});

test('options of mocha keep their values, also where those are names of folders', () => {
  const options = ['-g', 'packages', '--grep=drain', '--bail', '--timeout', '5000'];
  assert.deepEqual(specArguments(['test', ...options, 'packages']), {
    specs: ['test/dist/**/*.spec.js', 'packages/**/*.spec.js'],
    options,
  });
});

test('what is no spec and no folder of specs is refused, before anything is loaded', () => {
  for (const place of [
    'scripts',
    'scripts/',
    'scripts/lib',
    'scripts/check.js',
    './scripts/lib/../test.js',
    'scripts/x.spec.js',
    'packages/core/src/index.ts',
    'packages/core/src/middleware',
    'packages/nowhere',
    'docs',
    'drain',
    '.',
    '..',
    '/tmp',
  ])
    assert.throws(() => specArguments(['--bail', place]), {
      name: 'StepFailed',
      message: new RegExp(
        `^'${place.replaceAll('.', '\\.')}' is no spec and no folder of specs, so nothing was run\\.`,
      ),
    });
});

test('`npm test` with such an argument says so, fails, and starts nothing', () => {
  for (const script of ['scripts/test.js', 'scripts/test-postgres.js']) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script), 'scripts'], {
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    });
    assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
    assert.match(stderr, /^'scripts' is no spec .*\n$/);
  }
});
