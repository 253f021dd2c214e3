import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { findNatsServer } from '@terabus/testing';
import type { Machine } from './result.js';

/** The machine, and how busy it is at this moment. */
export function machineSince(loadBefore: number): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    load: [loadBefore, load()],
  };
}

export const load = (): number => Math.round((loadavg()[0] ?? 0) * 100) / 100;

/** Of what is measured, and of what it stands on. */
export function versions(): Record<string, string> {
  const server = execFileSync(findNatsServer(), ['--version'], { encoding: 'utf8' });
  const root = new URL('../../../../', import.meta.url);
  const of = (path: string) => {
    const file = new URL(`${path}/package.json`, root);
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).version as string) : undefined;
  };
  const found = {
    Node: process.versions.node,
    'nats-server': /v?([\d.]+\S*)\s*$/.exec(server)?.[1],
    Terabus: of('packages/core'),
    'nats.js': of('node_modules/nats'),
    'ts-proto': of('node_modules/ts-proto'),
    NestJS: of('test/bench/peers/node_modules/@nestjs/microservices'),
    '@nats-io/transport-node, of NestJS': of('test/bench/peers/node_modules/@nats-io/transport-node'),
    Moleculer: of('test/bench/peers/node_modules/moleculer'),
  };
  return Object.fromEntries(Object.entries(found).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
