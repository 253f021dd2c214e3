// `node test/dist/integration/permissions/full-round.js`: every grant of every example, one at a time.
import { fileURLToPath } from 'node:url';
import type { Finding } from './round.js';
import { mutations, whole } from './round.js';
import { onePage, telerehab } from './systems.js';

/** What a full round found. */
export interface FullRound {
  readonly findings: readonly Finding[];
  /** Sentences about everything that is not as promised; empty if all is well. */
  readonly problems: readonly string[];
}

/** Runs every example under its own permissions, then without each of its grants. Takes a minute or two. */
export async function runPermissionRound(say: (line: string) => void = () => {}): Promise<FullRound> {
  const findings: Finding[] = [];
  const problems: string[] = [];
  const systems = [onePage('01-events'), onePage('02-rpc'), onePage('03-module-messages'), onePage('04-own-messages')];
  for (const system of await Promise.all([...systems, telerehab()])) {
    const { failure, refused } = await whole(system);
    if (failure !== undefined) problems.push(`${system.name} does not work under its own permissions: ${failure}`);
    problems.push(...refused.map((what) => `${system.name} is refused what it declares: ${what}`));
    const found = await mutations(system);
    findings.push(...found);
    for (const { host, how, grant, missedBy } of found) {
      if (missedBy === 'nobody') problems.push(`${system.name}, ${host}: nobody misses ${how} ${grant}`);
      say(`${system.name}\t${host}\t${how}\t${grant}\t${missedBy}`);
    }
  }
  return { findings, problems };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { findings, problems } = await runPermissionRound((line) => process.stdout.write(`${line}\n`));
  const count = (by: Finding['missedBy']) => findings.filter(({ missedBy }) => missedBy === by).length;
  const sums = (['the services', 'a declared operation', 'nobody'] as const).map((by) => `${count(by)} by ${by}`);
  process.stdout.write(`${findings.length} grants, missed: ${sums.join(', ')}\n`);
  for (const problem of problems) process.stdout.write(`✗ ${problem}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
