import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** How often a second the kernel counts. */
const TICKS = process.platform === 'linux' ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 0;

/** The user and system time of another process, in microseconds. Undefined where the system does not say it in a file. */
export function cpuOf(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  // What stands before the bracket is a name, which may have spaces; of the rest, the 12th and 13th are the times.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS;
}
