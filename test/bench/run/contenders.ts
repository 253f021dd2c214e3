import { existsSync } from 'node:fs';
import type { ContenderName } from '../cases/case.js';

const at = (path: string) => new URL(`../contenders/${path}`, import.meta.url);
/** The peers are plain JavaScript beside their own node_modules, and are not built. */
const ofPeers = (path: string) => new URL(`../../../bench/peers/${path}`, import.meta.url);

/** The program of each contender. */
export const programs: Readonly<Record<ContenderName, URL>> = {
  raw: at('raw/raw-process.js'),
  terabus: at('terabus/bare-process.js'),
  'terabus-asleep': at('terabus/asleep-process.js'),
  'terabus-full': at('terabus/full-process.js'),
  'terabus-lines': at('terabus/lines-process.js'),
  nest: ofPeers('nest-process.js'),
  moleculer: ofPeers('moleculer-process.js'),
};

/** Those that are installed apart. */
export const isPeer = (name: ContenderName): boolean => name === 'nest' || name === 'moleculer';

/** Why a contender can't run here. Undefined: it can. */
export function absence(name: ContenderName): string | undefined {
  if (!isPeer(name)) return undefined;
  if (existsSync(ofPeers('node_modules/.package-lock.json'))) return undefined;
  return 'not installed: npm run bench -- --with-peers';
}

export const contenderNames = Object.keys(programs) as readonly ContenderName[];
