// Measures whether Terabus keeps its promises under faults: one line for each figure, see docs/soak.md.
import { figures } from './figures.js';
import { readArguments } from './run/arguments.js';
import { Control } from './run/control.js';
import { type Figure, type Finding, holds } from './run/figure.js';
import { ledgerLine } from './run/ledger-line.js';
import { Random } from './run/random.js';

const names = figures.map(({ name }) => name);
const request = readArguments(process.argv.slice(2), names);
if (typeof request === 'string') {
  process.stderr.write(
    `${request}\nusage: npm run soak -- --short | --long [--only <name>] [--seed <n>]\n` +
      figures.map(({ name, promise }) => `  ${name.padEnd(20)} ${promise}\n`).join(''),
  );
  process.exit(2);
}

const { scale, only, seed } = request;
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.stdout.write(`seed ${seed}\n`);

const control = await Control.start();
let failed = 0;
for (const figure of figures) {
  if (only !== undefined && figure.name !== only) continue;
  const begin = performance.now();
  const finding = await measure(figure);
  process.stdout.write(`${ledgerLine(figure.name, finding, performance.now() - begin)}\n`);
  if (finding.checks.every(holds)) continue;
  failed += 1;
  for (const note of finding.notes ?? []) process.stderr.write(`  ${figure.name}: ${note}\n`);
}
await control.stop();
process.exit(failed > 0 ? 1 : 0);

async function measure(figure: Figure): Promise<Finding> {
  const { name } = figure;
  const progress = (text: string) => process.stderr.write(`${name}: ${text}\n`);
  progress('begins');
  try {
    return await figure.measure(scale, { random: new Random(seed).fork(name), control, progress });
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return {
      did: 'could not be measured',
      checks: [{ what: 'failures of the measurement', measured: 1, kind: 'count', bar: { exactly: 0 } }],
      notes: [what],
    };
  }
}
