import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. Every script works there, wherever it was called from. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The file of a development tool, such as `biome`.
 *
 * @param {string} name
 */
export const tool = (name) => join(root, 'node_modules', '.bin', name);
