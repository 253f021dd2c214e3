import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { root, tool } from './root.js';
import { StepFailed } from './step-failed.js';

/**
 * Runs a command at the root of the repository and keeps what it prints. Development tools are found by their name.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, terminal?: boolean }} [options] `terminal`: leaves standard input connected, for
 *   a command that may ask for a password
 * @returns {Promise<{ code: number, output: string }>}
 */
export function attempt(command, args, { env = process.env, terminal = false } = {}) {
  return new Promise((resolve, reject) => {
    const PATH = [dirname(tool('any')), env.PATH ?? ''].join(delimiter);
    const child = spawn(command, args, {
      cwd: root,
      env: { ...env, PATH },
      stdio: [terminal ? 'inherit' : 'ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (/** @type {string} */ text) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (error) => reject(new StepFailed(`\`${command}\` could not be started: ${error.message}.`)));
    child.on('close', (code, signal) => {
      if (signal) output += `\n${command} was ended by ${signal}.`;
      resolve({ code: code ?? 1, output });
    });
  });
}

/**
 * The same, for a command that has to succeed. Resolves to what it printed.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} sentence said when it fails
 * @param {{ env?: NodeJS.ProcessEnv, terminal?: boolean }} [options]
 */
export async function runQuietly(command, args, sentence, options) {
  const { code, output } = await attempt(command, args, options);
  if (code !== 0) throw new StepFailed(sentence, output);
  return output;
}
