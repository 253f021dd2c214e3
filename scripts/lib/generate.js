import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { step } from './progress.js';
import { root } from './root.js';
import { runQuietly } from './run-quietly.js';

const output = 'packages/messages/src/gen';

/** Generates the code of proto/ if there is none. What is there is compared by `npm run check`. */
export async function ensureGenerated() {
  if (existsSync(join(root, output))) return;
  await step('Generating code from proto (buf generate)', generate);
}

/** Generates the code of proto/ as buf.gen.yaml says. */
export const generate = () =>
  runQuietly('buf', ['generate'], 'No code could be generated from proto: `buf generate` failed.');
