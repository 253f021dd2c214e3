/** `npm start`: installs and builds what is missing, then runs the example system. Arguments go to it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './lib/foreground.js';
import { ensureNatsServer } from './lib/nats-server.js';
import { natsUrl } from './lib/nats-url.js';
import { prepare } from './lib/prepare.js';
import { root } from './lib/root.js';
import { runScript, StepFailed } from './lib/step-failed.js';
import { makeTempRoot } from './lib/temp-root.js';

const example = 'examples/telerehab/dist/run.js';

await runScript(async () => {
  const args = process.argv.slice(2);
  const { env, extra } = await server(args);
  await prepare();
  if (!existsSync(join(root, example)))
    throw new StepFailed(`The example system is missing: ${example} was not built.`);

  const temp = makeTempRoot();
  const { code } = await runInForeground(['--import', './scripts/lib/end-with-parent.js', example, ...args, ...extra], {
    env: { ...process.env, ...env, TERABUS_TMP: temp.folder },
  });
  await temp.settle();
  return code;
});

/**
 * The server the example runs on: that of NATS_URL, else one of its own, else none, in memory.
 *
 * @param {readonly string[]} args
 * @returns {Promise<{ env: NodeJS.ProcessEnv, extra: string[] }>}
 */
async function server(args) {
  if (args.includes('--memory') || args.includes('--help')) return { env: {}, extra: [] };
  if (natsUrl()) return { env: {}, extra: [] };
  const found = await ensureNatsServer();
  if ('path' in found) return { env: { TERABUS_NATS_SERVER: found.path }, extra: [] };
  process.stderr.write(`Running in memory: ${found.reason}\n`);
  return { env: {}, extra: ['--memory'] };
}
