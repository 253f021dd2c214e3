// Measures what Terabus costs beside others: a table for each case, see CONTRIBUTING.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { atMost } from '../soak/backlog/at-most.js';
import type { Case } from './cases/case.js';
import { cases } from './cases/cases.js';
import { PROFILES } from './process/meters.js';
import { writePage } from './report/page.js';
import { tableOf, textTable } from './report/table.js';
import { measured, smoke } from './run/amounts.js';
import { commandOf, readArguments } from './run/arguments.js';
import { absence, contenderNames } from './run/contenders.js';
import { filtered, pathsOf } from './run/filter.js';
import { load, machineSince, versions } from './run/machine.js';
import { measure } from './run/measure.js';
import type { CaseResult, Result } from './run/result.js';
import { hasFailed, hasRows, runCase } from './run/run.js';
import { legend } from './run/sample.js';

const request = readArguments(process.argv.slice(2), pathsOf(cases), contenderNames);
if (typeof request === 'string') {
  process.stderr.write(
    `${request}\nusage: npm run bench -- [--case <name>[/<variant>],…] [--contender <name>,…] [--rounds <n>] [--json <file>]\n` +
      '                       [--profile <folder>]\n' +
      '       npm run bench -- --smoke | --with-peers | --page <file of --json>\n' +
      `contenders: ${contenderNames.join(', ')}\n` +
      cases.map(({ name, title }) => `  ${name.padEnd(16)} ${title}\n`).join(''),
  );
  process.exit(2);
}

/** So many cases at a time where nothing is measured. */
const SMOKE_AT_ONCE = 3;

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

if (request.page !== undefined) {
  try {
    writePage(JSON.parse(readFileSync(request.page, 'utf8')));
    process.exit(0);
  } catch (error) {
    process.stderr.write(`no page can be made of ${request.page}: ${(error as Error).message}\n`);
    process.exit(2);
  }
}
const absent = request.contenders?.find((name) => absence(name) !== undefined);
if (absent !== undefined) {
  process.stderr.write(`${absent} is ${absence(absent)}\n`);
  process.exit(2);
}

if (request.profile !== undefined) process.env[PROFILES] = resolve(request.profile);

const loadBefore = load();
const began = performance.now();
const asked = filtered(cases, request.cases);
const results: CaseResult[] = [];
let begun = 0;
await atMost(asked.length, request.smoke ? SMOKE_AT_ONCE : 1, async () => {
  const index = begun;
  begun += 1;
  const one = asked[index] as Case;
  const result = await runCase(one, request, {
    measure: (measurement, row) => measure[measurement](row, request.smoke ? smoke : measured),
    absence,
    progress: (text) => process.stderr.write(`${text}\n`),
  });
  results[index] = result;
  if (!request.smoke && hasRows(result)) {
    process.stdout.write(`\n${one.title}\n${one.explains}\n\n${textTable(tableOf(result))}\n\n`);
  }
});
const whole = results.filter(hasRows);

if (request.json !== undefined) {
  const result: Result = {
    command: commandOf(request, absence('nest') === undefined),
    machine: machineSince(loadBefore),
    versions: versions(),
    rounds: request.rounds,
    cases: whole,
  };
  writeFileSync(request.json, `${JSON.stringify(result, null, 2)}\n`);
}
if (!request.smoke) {
  process.stdout.write(legend.map(([name, meaning]) => `${name.padEnd(12)} ${meaning}\n`).join(''));
}
const failed = whole.filter(hasFailed);
const seconds = ((performance.now() - began) / 1_000).toFixed(1);
process.stdout.write(
  failed.length > 0
    ? `✗ ${failed.map(({ name }) => name).join(', ')}\n`
    : `✓ ${whole.length} cases: all that was sent arrived once (${seconds} s)\n`,
);
process.exit(failed.length > 0 ? 1 : 0);
