import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { step } from './progress.js';
import { projects } from './projects.js';
import { root } from './root.js';
import { runQuietly } from './run-quietly.js';

/** Builds every project, specs included, and leaves no spec behind whose source is gone. */
export async function build() {
  for (const project of projects()) sweep(join(root, project));
  await step('Building (tsc -b)', () =>
    runQuietly('tsc', ['-b', 'tsconfig.build.json'], 'The build failed: `tsc -b tsconfig.build.json`.'),
  );
}

/** Removes what the builds left, in every project. */
export function clean() {
  for (const project of projects()) {
    rmSync(join(root, project, 'dist'), { recursive: true, force: true });
    forgetBuild(join(root, project));
  }
}

/**
 * tsc neither removes what it built from a source that is gone, which mocha would still run, nor does it notice that
 * its output is.
 *
 * @param {string} project
 */
function sweep(project) {
  const dist = join(project, 'dist');
  if (!existsSync(dist)) return forgetBuild(project);
  const sources = join(project, rootDir(project));
  for (const path of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    const [, name] = /^(.*\.spec)\.(?:js|js\.map|d\.ts|d\.ts\.map)$/.exec(path) ?? [];
    if (name && !existsSync(join(sources, `${name}.ts`))) rmSync(join(dist, path));
  }
}

/** @param {string} project */
function forgetBuild(project) {
  rmSync(join(project, 'tsconfig.tsbuildinfo'), { force: true });
}

/**
 * @param {string} project
 * @returns {string}
 */
function rootDir(project) {
  const file = join(project, 'tsconfig.json');
  if (!existsSync(file)) return 'src';
  return /"rootDir"\s*:\s*"([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? 'src';
}
