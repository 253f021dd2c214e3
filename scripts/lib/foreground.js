import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from './root.js';
import { StepFailed } from './step-failed.js';

/** A terminal's Ctrl-C and npm's own forwarding deliver the same signal twice; later than this it is a second one. */
const sameSignalMs = 1000;

/** How long is waited for the last output of a program that has ended. */
const drainMs = 2_000;

/**
 * Runs a Node program with this terminal. It leads a process group of its own, so that it receives each signal
 * exactly once, from here, and so that nothing which it started outlives it: when it ends, even by SIGKILL, the rest
 * of its group is killed.
 *
 * @param {readonly string[]} args
 * @param {{ env: NodeJS.ProcessEnv, graceMs?: number, onOutput?: (text: string) => void }} options `graceMs`: how long
 *   it may take to end after a signal; without it, until a second signal. `onOutput`: gets what it would write to the
 *   terminal's stdout
 * @returns {Promise<{ code: number, interrupted: number }>} the exit code, 128 + n where signal n ended it; and 128 + n
 *   of the signal that this process received, else 0
 */
export function runInForeground(args, { env, graceMs, onOutput }) {
  return new Promise((resolve, reject) => {
    /** @type {import('node:child_process').StdioOptions} */
    const stdio = ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit'];
    const child = spawn(process.execPath, args, { cwd: root, env, stdio, detached: true });
    if (onOutput) child.stdout?.setEncoding('utf8').on('data', onOutput);

    let isRunning = true;
    const signalGroup = (/** @type {NodeJS.Signals} */ signal) => {
      try {
        if (isRunning && child.pid) process.kill(-child.pid, signal);
      } catch {
        // The group is empty.
      }
    };
    const killGroup = () => signalGroup('SIGKILL');

    let interrupted = 0;
    let interruptedAt = 0;
    const forward = (/** @type {NodeJS.Signals} */ signal) => {
      if (!interrupted) {
        interrupted = 128 + constants.signals[signal];
        interruptedAt = Date.now();
        child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal);
        if (graceMs !== undefined) setTimeout(killGroup, graceMs).unref();
      } else if (Date.now() - interruptedAt > sameSignalMs) {
        killGroup();
      }
    };

    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, forward);
    process.on('exit', killGroup);

    child.on('error', (error) => reject(new StepFailed(`Node could not be started: ${error.message}.`)));
    child.on('exit', async (code, signal) => {
      killGroup();
      isRunning = false;
      // Somebody outside of the group may hold the pipe for longer.
      if (child.stdout?.readable) await Promise.race([once(child.stdout, 'end'), pause(drainMs, null, { ref: false })]);
      resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), interrupted });
    });
  });
}
