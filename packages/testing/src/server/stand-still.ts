import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { platform } from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 1;

/** Resolves when all threads of a process that was sent SIGSTOP stand still: the signal only asks for it. */
export async function untilStandingStill(pid: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await states(pid)).every((state) => state === 'T')) {
    if (performance.now() > deadline) throw new Error(`process ${pid} did not stand still within ${PATIENCE_MS} ms`);
    await wait(LOOK_EVERY_MS);
  }
}

/** A letter for each thread as Linux has it, elsewhere one for the process. */
async function states(pid: number): Promise<string[]> {
  if (platform !== 'linux') {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', `${pid}`]);
    return [stdout.trim().charAt(0)];
  }
  const threads = await readdir(`/proc/${pid}/task`);
  return Promise.all(
    threads.map(async (thread) => {
      const line = await readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8');
      // The name in front of the state stands in parentheses, and may have some of its own.
      return line.charAt(line.lastIndexOf(')') + 2);
    }),
  );
}
