import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInstalled } from './install.js';
import { completed, lockProblems } from './lock.js';

const lock = {
  packages: {
    'node_modules/tool': {
      version: '1.0.0',
      dev: true,
      optionalDependencies: { '@tool/linux-x64-musl': '1.0.0', '@tool/darwin-arm64': '1.0.0' },
    },
    'node_modules/@tool/darwin-arm64': { version: '1.0.0', optional: true },
  },
};

test('a lock that lacks a platform is refused, and can be completed', () => {
  assert.deepEqual(lockProblems(lock), [
    'package-lock.json: @tool/linux-x64-musl, optional for node_modules/tool, has no entry, so `npm ci` refuses: run `npm run lock`.',
  ]);
  const whole = completed(lock);
  assert.deepEqual(lockProblems(whole), []);
  assert.deepEqual(whole.packages['node_modules/@tool/linux-x64-musl'], {
    version: '1.0.0',
    cpu: ['x64'],
    dev: true,
    libc: ['musl'],
    optional: true,
    os: ['linux'],
  });
});

test('a lock that names a registry is refused', () => {
  assert.deepEqual(
    lockProblems({ packages: { 'node_modules/a': { version: '1.0.0', resolved: 'https://registry.example/a.tgz' } } }),
    [
      "package-lock.json: node_modules/a names the registry it came from: run `npm install` with the repository's .npmrc.",
    ],
  );
});

test('packages are installed when npm recorded just what the lock asks for, other platforms apart', () => {
  const { 'node_modules/tool': tool } = lock.packages;
  assert.equal(isInstalled(lock, undefined), false);
  assert.equal(isInstalled(lock, { packages: { 'node_modules/tool': tool } }), true);
  assert.equal(isInstalled(lock, { packages: { 'node_modules/tool': { version: '0.9.0' } } }), false);
  assert.equal(
    isInstalled(lock, { packages: { 'node_modules/tool': tool, 'node_modules/more': { version: '1.0.0' } } }),
    false,
  );
});
