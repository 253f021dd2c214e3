/** `npm run soak`: installs and builds what is missing, then measures Terabus under faults. Arguments go to it. */
import { runInForeground } from './lib/foreground.js';
import { ensureNatsServer } from './lib/nats-server.js';
import { prepare } from './lib/prepare.js';
import { runScript, StepFailed } from './lib/step-failed.js';
import { makeTempRoot } from './lib/temp-root.js';

/** How long the run may take to stop after Ctrl-C. */
const graceMs = 5_000;

await runScript(async () => {
  const server = await ensureNatsServer();
  if ('reason' in server) {
    throw new StepFailed(`The soak starts its own NATS servers. ${server.reason}`, server.output);
  }
  await prepare();

  const temp = makeTempRoot();
  // Nothing here may reach a server that it did not start.
  const { NATS_URL: _, ...env } = process.env;
  const { code, interrupted } = await runInForeground(
    ['--import', './scripts/lib/end-with-parent.js', 'test/dist/soak/main.js', ...process.argv.slice(2)],
    { env: { ...env, TERABUS_TMP: temp.folder, TERABUS_NATS_SERVER: server.path }, graceMs },
  );
  await temp.settle();
  return code || interrupted;
});
