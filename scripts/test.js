/** `npm test`: installs and builds what is missing, then runs every spec. Arguments go to mocha. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './lib/foreground.js';
import { ensureNatsServer } from './lib/nats-server.js';
import { prepare } from './lib/prepare.js';
import { root } from './lib/root.js';
import { specArguments } from './lib/spec-arguments.js';
import { runScript, StepFailed } from './lib/step-failed.js';
import { makeTempRoot } from './lib/temp-root.js';

/** How long mocha may take to stop after Ctrl-C. */
const graceMs = 5_000;

await runScript(async () => {
  const server = await ensureNatsServer();
  if ('reason' in server) {
    throw new StepFailed(`The tests start their own NATS servers. ${server.reason}`, server.output);
  }
  await prepare();

  const temp = makeTempRoot();
  // No test may reach a server that it did not start.
  const { NATS_URL: _, ...env } = process.env;
  const { code, interrupted } = await runInForeground(
    [join(root, 'node_modules/mocha/bin/mocha.js'), ...mochaArguments(temp.folder)],
    { env: { ...env, TERABUS_TMP: temp.folder, TERABUS_NATS_SERVER: server.path }, graceMs },
  );
  await temp.settle();
  return code || interrupted;
});

/**
 * mocha adds the files of its command line to those of .mocharc.json; here they take their place.
 *
 * @param {string} folder for a configuration without files
 */
function mochaArguments(folder) {
  const { specs, options } = specArguments(process.argv.slice(2));
  if (specs.length === 0) return options;
  const { spec: _, ...configuration } = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8'));
  const file = join(folder, 'mocharc.json');
  writeFileSync(file, JSON.stringify(configuration));
  return ['--config', file, ...options, ...specs];
}
