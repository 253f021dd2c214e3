/**
 * `npm run test:postgres`: the specs of @terabus/sql, and those that need several connections, over a real PostgreSQL:
 * that of TERABUS_POSTGRES, whose databases they may fill, or one of their own. Arguments go to mocha.
 */
import { join } from 'node:path';
import { runInForeground } from './lib/foreground.js';
import { startPostgres } from './lib/postgres.js';
import { prepare } from './lib/prepare.js';
import { root } from './lib/root.js';
import { specArguments } from './lib/spec-arguments.js';
import { runScript } from './lib/step-failed.js';
import { makeTempRoot } from './lib/temp-root.js';

await runScript(async () => {
  const { specs, options } = specArguments(process.argv.slice(2));
  await prepare();
  const temp = makeTempRoot();
  const named = process.env['TERABUS_POSTGRES'];
  const server = named ? undefined : await startPostgres(temp.folder);
  try {
    const { code, interrupted } = await runInForeground(
      [join(root, 'node_modules/mocha/bin/mocha.js'), '--config', 'test/postgres/mocharc.json', ...specs, ...options],
      {
        env: { ...process.env, TERABUS_TMP: temp.folder, TERABUS_POSTGRES: named ?? server?.url },
        graceMs: 5_000,
      },
    );
    return code || interrupted;
  } finally {
    await server?.stop();
    await temp.settle();
  }
});
