import { type ContenderName, type Row, type Setting, setting } from './case.js';

/** What tables and the picture call the contenders. */
export const titles: Readonly<Record<ContenderName, string>> = {
  raw: 'nats.js, stock ts-proto',
  nest: 'NestJS',
  moleculer: 'Moleculer',
  terabus: 'Terabus',
  'terabus-asleep': 'Terabus, no busy polling',
  'terabus-full': 'Terabus, all on',
  'terabus-lines': 'Terabus, all on, logged',
};

/** A row for each of these contenders, under one setting. */
export const rowsOf = (contenders: readonly ContenderName[], differs: Partial<Setting>): readonly Row[] =>
  contenders.map((contender) => ({ name: titles[contender], contender, setting: setting(differs) }));

/** All that can send events and make calls. */
export const everybody: readonly ContenderName[] = ['raw', 'terabus', 'terabus-full', 'nest', 'moleculer'];
/** Those that know OpenTera's envelopes, or JetStream. */
export const ofNats: readonly ContenderName[] = ['raw', 'terabus', 'terabus-full'];
export const withoutExtras: readonly ContenderName[] = ['raw', 'terabus'];
