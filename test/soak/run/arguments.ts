import { parseArgs } from 'node:util';

/** What a run was asked for. */
export interface Request {
  readonly scale: 'short' | 'long';
  /** The one figure to measure. Undefined: all. */
  readonly only: string | undefined;
  readonly seed: number;
}

/** Reads the command line. A text is what is wrong with it. */
export function readArguments(args: readonly string[], names: readonly string[]): Request | string {
  const read = parse(args);
  if (typeof read === 'string') return read;
  const { short, long, only, seed } = read;
  if ((short === true) === (long === true)) return 'say --short or --long';
  if (only !== undefined && !names.includes(only)) return `there is no figure ${only}`;
  if (seed !== undefined && !/^\d{1,9}$/.test(seed)) return `--seed is a whole number below 1,000,000,000, not ${seed}`;
  return {
    scale: short ? 'short' : 'long',
    only,
    seed: seed === undefined ? Math.floor(Math.random() * 1e9) : Number(seed),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        short: { type: 'boolean' },
        long: { type: 'boolean' },
        only: { type: 'string' },
        seed: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return (error as Error).message;
  }
}
