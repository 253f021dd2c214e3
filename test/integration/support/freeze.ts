import { execFileSync } from 'node:child_process';
import type { NatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { eventually } from './eventually.js';

/** Makes a server hang: it stays connected and does nothing any more. Resolves when all its threads have stopped. */
export async function freeze({ pid }: NatsServer): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await eventually(() => {
    expect(execFileSync('ps', ['-o', 'state=', '-p', `${pid}`], { encoding: 'utf8' })).to.match(/^T/);
  });
}
