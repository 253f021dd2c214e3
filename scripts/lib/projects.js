import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './root.js';

/**
 * The folders of the projects that tsconfig.build.json builds, from the root: `packages/core`.
 *
 * @returns {string[]}
 */
export function projects() {
  /** @type {{ references: { path: string }[] }} */
  const { references } = JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8'));
  return references.map(({ path }) => path);
}
