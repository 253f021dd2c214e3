/** `npm run build`: installs what is missing and builds every project. */
import { prepare } from './lib/prepare.js';
import { runScript } from './lib/step-failed.js';

await runScript(async () => {
  await prepare();
  return 0;
});
