import { parseArgs } from 'node:util';
import type { ContenderName } from '../cases/case.js';

/** What a run was asked for. */
export interface Request {
  /** Names of cases, or of variants of them. Undefined: all. */
  readonly cases: readonly string[] | undefined;
  /** Undefined: all that are installed. */
  readonly contenders: readonly ContenderName[] | undefined;
  readonly rounds: number;
  readonly smoke: boolean;
  /** The file that the samples are written to. */
  readonly json: string | undefined;
  /** The folder for a CPU profile of each process. */
  readonly profile: string | undefined;
  /** A file of samples, of which the page is written instead of a run. */
  readonly page: string | undefined;
}

const DEFAULT_ROUNDS = 5;

/** Reads the command line. A text is what is wrong with it. */
export function readArguments(
  args: readonly string[],
  names: readonly string[],
  contenders: readonly ContenderName[],
): Request | string {
  const read = parse(args);
  if (typeof read === 'string') return read;
  const { smoke = false, json, profile, page, rounds = String(smoke ? 1 : DEFAULT_ROUNDS) } = read;
  if (!/^[1-9]\d?$/.test(rounds)) return `--rounds is a whole number from 1 to 99, not ${rounds}`;
  const asked = listOf(read.case);
  const strange = asked?.find((name) => !names.includes(name));
  if (strange !== undefined) return `there is no case ${strange}`;
  const askedOf = listOf(read.contender);
  const stranger = askedOf?.find((name) => !(contenders as readonly string[]).includes(name));
  if (stranger !== undefined) return `there is no contender ${stranger}`;
  return {
    cases: asked,
    contenders: askedOf as readonly ContenderName[] | undefined,
    rounds: Number(rounds),
    smoke,
    json,
    profile,
    page,
  };
}

/** What to type for a run that measures the same. */
export function commandOf({ cases, contenders, rounds }: Request, withPeers: boolean): string {
  const options = [
    ...(withPeers ? ['--with-peers'] : []),
    ...(cases === undefined ? [] : [`--case ${cases.join(',')}`]),
    ...(contenders === undefined ? [] : [`--contender ${contenders.join(',')}`]),
    ...(rounds === DEFAULT_ROUNDS ? [] : [`--rounds ${rounds}`]),
  ];
  return ['npm run bench', ...(options.length > 0 ? ['--', ...options] : [])].join(' ');
}

const listOf = (texts: readonly string[] | undefined) => texts?.flatMap((text) => text.split(','));

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        case: { type: 'string', multiple: true },
        contender: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        smoke: { type: 'boolean' },
        json: { type: 'string' },
        profile: { type: 'string' },
        page: { type: 'string' },
      },
    }).values;
  } catch (error) {
    return (error as Error).message;
  }
}
