import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const examples = new URL('../../../../examples/', import.meta.url);

/** How an example ended. */
export interface ExampleRun {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an example in a process of its own: in memory, or at a NATS server. */
export function runExample(
  name: string,
  options: { readonly natsUrl?: string; readonly node?: readonly string[]; readonly file?: string } = {},
): Promise<ExampleRun> {
  const { natsUrl, node = [], file = 'dist/run.js' } = options;
  const { NATS_URL: _, ...env } = process.env;
  if (natsUrl !== undefined) env['NATS_URL'] = natsUrl;
  const cwd = fileURLToPath(new URL(name, examples));
  return new Promise((resolve) => {
    execFile(process.execPath, [...node, file], { cwd, env, timeout: 15_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), stdout, stderr });
    });
  });
}

/** The lines that an example must print. */
export const expectedOf = (name: string): string => readFileSync(new URL(`${name}/expected.txt`, examples), 'utf8');
