import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/** In a guarded directory, the id of the process that must not outlive this one. */
const PID_FILE = 'pid';

/**
 * Reading ends when the other end of the pipe is closed, which the kernel does even for a parent that was killed.
 * The last line read is the id of the guarded process, empty when it has ended. A parent that was killed before it
 * could write that line has left the id in the directory, which is renamed first: a guarded process that has not
 * written its id by then can't write it any more, and does not start. Somebody else may have removed the directory.
 */
const GUARD = `
pid=
while read -r line; do pid=$line; done
mv "$1" "$1.ended" && if [ -s "$1.ended/${PID_FILE}" ]; then pid=$(cat "$1.ended/${PID_FILE}"); fi
if [ -n "$pid" ]; then kill -9 "$pid"; fi
rm -rf "$1.ended"
`;

/** Writes its own id where the watchdog finds it, then becomes the guarded program. */
const START = `echo $$ > "$1/${PID_FILE}" && shift && exec "$@"`;

/**
 * Keeps a directory and one process at a time from outliving this process, however it ends: a small shell (POSIX
 * `sh`) holds a pipe from us, and when the pipe closes it kills the process and removes the directory.
 */
export class Watchdog {
  readonly #shell: ChildProcess;

  constructor(private readonly directory: string) {
    // Detached, here and below: Ctrl-C in a terminal goes to the whole group, and would end the guard as well.
    const shell = spawn('sh', ['-c', GUARD, 'terabus-watchdog', directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A forgotten server must not keep a finished test run alive; its end closes the pipe.
    shell.unref();
    (shell.stdin as Socket).unref();
    // It may have ended before us, at the hand of somebody who cleans up.
    shell.stdin.on('error', () => undefined);
    this.#shell = shell;
  }

  /** Starts a program, its output going to the file descriptor `log`. The child is the program itself. */
  start(file: string, args: readonly string[], log: number): ChildProcess {
    const child = spawn('sh', ['-c', START, 'terabus-start', this.directory, file, ...args], {
      detached: true,
      stdio: ['ignore', log, log],
    });
    // The id of an ended process may be given to another one, which is none of our business.
    child.once('exit', () => {
      rmSync(join(this.directory, PID_FILE), { force: true });
      this.#tell('');
    });
    this.#tell(`${child.pid ?? ''}`);
    child.unref();
    return child;
  }

  #tell(pid: string): void {
    if (this.#shell.stdin?.writable) this.#shell.stdin.write(`${pid}\n`);
  }

  /** Ends what still runs, removes the directory, and resolves when both is done. */
  async release(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    this.#shell.ref();
    const ended = once(this.#shell, 'exit');
    this.#shell.stdin?.end();
    await ended;
  }
}
