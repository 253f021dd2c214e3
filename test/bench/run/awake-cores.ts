import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism, constants, setPriority } from 'node:os';

/** So long they last at most, whatever becomes of the bench. */
const LONGEST_S = 60;

/**
 * A process for each core that does nothing, at the lowest priority: it gives way to all others, and a core that is busy with it
 * need not be woken.
 */
export class AwakeCores {
  readonly #processes: readonly ChildProcess[];

  constructor() {
    const program = `const end = Date.now() + ${LONGEST_S * 1_000}; while (Date.now() < end);`;
    this.#processes = Array.from({ length: availableParallelism() }, () => {
      const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
      return child;
    });
  }

  kill(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
  }
}
