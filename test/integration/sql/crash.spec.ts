import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Ledger } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Point } from './crash-process.js';

const program = fileURLToPath(new URL('crash-process.js', import.meta.url));

const points: readonly Point[] = [
  'marked',
  'effect done',
  'event stored',
  'committed',
  'before the publish',
  'published',
  'before the delete',
  'deleted',
  'delete committed',
];

describe('a service that is killed, with inbox and outbox in one database', () => {
  const ledger = new Ledger();
  let folder: string;
  let effects: string[];
  before(() => {
    folder = mkdtempSync(join(process.env['TERABUS_TMP'] || tmpdir(), 'terabus-crash-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What the program noted before it was killed. */
  const noted = <T>(file: string): T[] =>
    existsSync(join(folder, file))
      ? readFileSync(join(folder, file), 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : [];
  const acknowledged = () => new Set(noted<{ message: string }>('acknowledged').map(({ message }) => message));
  const sent = () => noted<{ text: string; messageId: string }>('sent');
  const attempted: string[] = [];

  /** Gives it three new messages, after those that it has not acknowledged. */
  async function run(point: Point | 'none') {
    for (let n = 0; n < 3; n += 1) attempted.push(ledger.attempt('orders'));
    const known = acknowledged();
    const messages = JSON.stringify(attempted.filter((message) => !known.has(message)));
    const child = spawn(process.execPath, [program, folder, messages, point], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
    return { output: await text(child.stdout), ended: await ended };
  }

  for (const point of points) {
    it(`dies when it has come to «${point}»`, async () => {
      expect((await run(point)).ended).to.equal('SIGKILL');
    });
  }

  it('ends well when nothing kills it', async () => {
    const { output, ended } = await run('none');
    effects = JSON.parse(output);
    expect([ended, [...acknowledged()]]).to.deep.equal([0, attempted]);
  });

  it('has had each effect once', () => {
    expect(effects).to.deep.equal(attempted);
  });

  it('has sent what was committed, and nothing else, in its order, with one id for each', () => {
    const ids = new Map<string, string>();
    for (const each of sent()) ids.set(each.messageId, each.text);
    for (const message of attempted) ledger.acknowledged(message);
    for (const what of ids.values()) ledger.seen(what);
    ledger.check();
    expect([...ids.values()]).to.deep.equal(attempted);
  });

  it('has sent again, with the same id, what it was killed over', () => {
    // Killed behind a publish or in front of the delete's commit: three times, with what it had sent by then.
    expect(sent().length).to.be.above(attempted.length);
  });
});
