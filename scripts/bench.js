/**
 * `npm run bench`: installs and builds what is missing, then measures what Terabus costs beside others. `--with-peers`
 * installs what it is compared with; other arguments go to the bench.
 */
import { runInForeground } from './lib/foreground.js';
import { ensureInstalled } from './lib/install.js';
import { ensureNatsServer } from './lib/nats-server.js';
import { prepare } from './lib/prepare.js';
import { runScript, StepFailed } from './lib/step-failed.js';
import { makeTempRoot } from './lib/temp-root.js';

/** How long the run may take to stop after Ctrl-C. */
const graceMs = 5_000;

/** Where the peers are, with a lock file of their own, out of the product's tree. */
const peers = 'test/bench/peers';

await runScript(async () => {
  const server = await ensureNatsServer();
  if ('reason' in server) {
    throw new StepFailed(`The bench starts its own NATS servers. ${server.reason}`, server.output);
  }
  const args = process.argv.slice(2);
  await prepare();
  if (args.includes('--with-peers')) await ensureInstalled(peers);

  const temp = makeTempRoot();
  // Nothing here may reach a server that it did not start.
  const { NATS_URL: _, ...env } = process.env;
  const { code, interrupted } = await runInForeground(
    [
      '--import',
      './scripts/lib/end-with-parent.js',
      'test/dist/bench/main.js',
      ...args.filter((arg) => arg !== '--with-peers'),
    ],
    { env: { ...env, TERABUS_TMP: temp.folder, TERABUS_NATS_SERVER: server.path }, graceMs },
  );
  await temp.settle();
  return code || interrupted;
});
