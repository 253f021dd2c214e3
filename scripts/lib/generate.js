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

/** Generates the code of proto/ as buf.gen.yaml says, and the stock code that the bench compares it with. */
export async function generate() {
  for (const args of [['generate'], ['generate', '--template', 'test/bench/stock/buf.gen.yaml']])
    await runQuietly('buf', args, `No code could be generated from proto: \`${['buf', ...args].join(' ')}\` failed.`);
}
