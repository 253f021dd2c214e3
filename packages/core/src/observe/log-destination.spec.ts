import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { LogDestination } from './log-destination.js';

const failing = (code: string) => Object.assign(new Error(code), { code });

describe('where lines of log go', () => {
  it('is the output of the process in a worker thread too', async () => {
    const module = JSON.stringify(new URL('./log-destination.js', import.meta.url).href);
    const inWorker = `import(${module}).then(({ logOutput }) => logOutput().write('a line\\n'))`;
    const program = `new (require('node:worker_threads').Worker)(${JSON.stringify(inWorker)}, { eval: true })`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', program]);
    expect(stdout).to.equal('a line\n');
  });

  let written: string;
  /** How many bytes the pipe has room for, and what it fails with else. */
  let room: number;
  let failure: string;
  let destination: LogDestination;

  beforeEach(() => {
    [written, room, failure] = ['', Number.POSITIVE_INFINITY, 'EAGAIN'];
    destination = new LogDestination((bytes) => {
      if (room === 0) throw failing(failure);
      const some = bytes.subarray(0, room);
      room -= some.length;
      written += Buffer.from(some).toString();
      return some.length;
    });
  });

  it('they are written at once while there is room', () => {
    destination.write('a\n');
    expect(written).to.equal('a\n');
  });

  it('they wait whole and in order while there is none, and are written at the end', () => {
    room = 2;
    for (const line of ['ä1\n', 'b2\n', 'c3\n']) destination.write(line);
    expect(written).to.equal('ä');
    room = 1_000;
    destination.end();
    expect(written).to.equal('ä1\nb2\nc3\n');
  });

  it('they are tried again by themselves', async () => {
    room = 0;
    destination.write('a\n');
    room = 1_000;
    while (written === '') await new Promise((resolve) => setImmediate(resolve));
    expect(written).to.equal('a\n');
  });

  it('1 MiB waits; what comes beyond is counted where it is missing', () => {
    room = 0;
    const line = `${'x'.repeat(1_023)}\n`;
    for (let i = 0; i < 1_030; i += 1) destination.write(line);
    room = Number.POSITIVE_INFINITY;
    destination.end();
    destination.write('after\n');
    const lines = written.split('\n');
    expect(lines).to.have.length(1_024 + 3);
    expect(JSON.parse(lines[1_024] ?? ''))
      .to.include({ level: 40 })
      .and.property('msg')
      .that.contains('6 lines');
    expect(lines[1_025]).to.equal('after');
  });

  it('they are given up at the end where nobody reads, and at once where nobody ever will', () => {
    room = 0;
    destination.write('a\n');
    destination.end();
    failure = 'EPIPE';
    destination.end();
    room = 1_000;
    destination.write('b\n');
    expect(written).to.equal('');
  });
});
