/**
 * `npm test`: installs and builds what is missing, then runs every spec: those that start servers and break them beside
 * all others. Arguments go to mocha, of which there is one then.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './lib/foreground.js';
import { Lanes } from './lib/lanes.js';
import { ensureNatsServer } from './lib/nats-server.js';
import { prepare } from './lib/prepare.js';
import { root } from './lib/root.js';
import { specArguments } from './lib/spec-arguments.js';
import { runScript, StepFailed } from './lib/step-failed.js';
import { makeTempRoot } from './lib/temp-root.js';

/** How long mocha may take to stop after Ctrl-C. */
const graceMs = 5_000;

/** What waits more than it works, and takes about half of the time of all. */
const withFaults = ['*', '!(sql)/**/*'].map((files) => `test/dist/integration/${files}.spec.js`);

await runScript(async () => {
  const { specs, options } = specArguments(process.argv.slice(2));
  const server = await ensureNatsServer();
  if ('reason' in server) {
    throw new StepFailed(`The tests start their own NATS servers. ${server.reason}`, server.output);
  }
  await prepare();

  // No test may reach a server that it did not start.
  const { NATS_URL: _, ...rest } = process.env;
  const env = { ...rest, TERABUS_NATS_SERVER: server.path };
  if (specs.length > 0) return mocha(env, { spec: specs }, options);
  if (options.length > 0) return mocha(env, {}, options);

  const begun = performance.now();
  const lanes = new Lanes((text) => process.stdout.write(text));
  const codes = await Promise.all([
    inLane(env, { ignore: withFaults }, lanes.open()),
    inLane(env, { spec: withFaults }, lanes.open()),
  ]);
  lanes.close((performance.now() - begun) / 1_000);
  return codes.find((code) => code !== 0) ?? 0;
});

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {object} configuration
 * @param {{ onOutput: (text: string) => void, onEnd: () => void }} lane
 */
async function inLane(env, configuration, { onOutput, onEnd }) {
  const reporter = ['--reporter', join(root, 'scripts/lib/lane-reporter.js')];
  const color = process.stdout.isTTY ? ['--color'] : [];
  const code = await mocha(env, configuration, [...reporter, ...color], onOutput);
  onEnd();
  return code;
}

/**
 * Runs mocha with temporary files of its own.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {object} configuration what differs from .mocharc.json: files of the command line would be added to its own
 * @param {readonly string[]} options
 * @param {((text: string) => void)} [onOutput]
 */
async function mocha(env, configuration, options, onOutput) {
  const temp = makeTempRoot();
  const file = join(temp.folder, 'mocharc.json');
  const all = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8'));
  writeFileSync(file, JSON.stringify({ ...all, ...configuration }));
  const { code, interrupted } = await runInForeground(
    [join(root, 'node_modules/mocha/bin/mocha.js'), '--config', file, ...options],
    { env: { ...env, TERABUS_TMP: temp.folder }, graceMs, ...(onOutput && { onOutput }) },
  );
  await temp.settle();
  return code || interrupted;
}
