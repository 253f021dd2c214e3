import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** `run.js` as a process of its own, as people start it. */
export class Runner {
  readonly child: ChildProcess;
  out = '';
  err = '';
  /** Resolves with the exit code, or the signal. */
  readonly ended: Promise<number | string>;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    // No NATS_URL of the surroundings: what runs here has its own server, unless a spec says otherwise.
    const { NATS_URL: _, TERABUS_NAMESPACE: __, ...surroundings } = process.env;
    this.child = spawn(process.execPath, [fileURLToPath(new URL('../run.js', import.meta.url)), ...args], {
      env: { ...surroundings, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (data) => {
      this.out += data;
    });
    this.child.stderr?.on('data', (data) => {
      this.err += data;
    });
    // 'close' comes when the output was read to its end.
    this.ended = once(this.child, 'close').then(([code, signal]) => signal ?? code);
  }

  /** Resolves when the output holds it. */
  async says(text: string): Promise<void> {
    while (!this.out.includes(text)) {
      const more = await Promise.race([once(this.child.stdout as NodeJS.ReadableStream, 'data'), this.ended]);
      if (!Array.isArray(more) && !this.out.includes(text))
        throw new Error(`it ended without saying ${JSON.stringify(text)}:\n${this.out}${this.err}`);
    }
  }

  /** The process ids that it names, by what runs there. */
  get pids(): ReadonlyMap<string, number> {
    return new Map([...this.out.matchAll(/([\w-]+) pid (\d+)/g)].map(([, name = '', pid]) => [name, Number(pid)]));
  }
}

/** Whether there is such a process. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends what a failed spec has left. */
export function killAll(pids: Iterable<number>): void {
  for (const pid of pids) if (runs(pid)) process.kill(pid, 'SIGKILL');
}

/** Resolves when nothing is left in a folder: a watchdog removes it, whenever it comes to it. */
export async function emptied(folder: string): Promise<void> {
  while (readdirSync(folder).length > 0) await pause(5);
}

/** Resolves when none of them is there any more: nobody announces the end of another process's children. */
export async function allGone(pids: Iterable<number>): Promise<void> {
  for (const pid of pids) while (runs(pid)) await pause(5);
}
