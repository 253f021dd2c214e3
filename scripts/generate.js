/** `npm run generate`: generates the code of proto/. */
import { generate } from './lib/generate.js';
import { ensureInstalled } from './lib/install.js';
import { step } from './lib/progress.js';
import { runScript } from './lib/step-failed.js';

await runScript(async () => {
  await ensureInstalled();
  await step('Generating code from proto (buf generate)', generate);
  return 0;
});
