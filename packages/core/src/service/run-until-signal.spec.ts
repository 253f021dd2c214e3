import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';

const door = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** A program with a service that does at its drain what its first argument says. */
const PROGRAM = `
import { defineService, runUntilSignal, Service, startHost, TeraService } from ${door('../index.js')};
import { BusError } from '@terabus/messages';
import { MemoryBroker } from ${door('../transport/memory/index.js')};
import { systemClock } from ${door('../transport/system-clock.js')};

const how = process.argv[1];
const broker = new MemoryBroker({ clock: systemClock });
class Doing extends TeraService {
  onStart() {
    if (how === 'fails') throw new Error('no database');
    if (how === 'starts' || how === 'sticks') { console.log('starting'); return new Promise(() => {}); }
  }
  onReady() {
    if (how === 'readies') {
      console.log('readies');
      this.every(1, async () => { console.log('busy'); await new Promise((end) => { this.finish = end; }); console.log('done'); });
      return new Promise(() => {});
    }
    if (how === 'works') this.every(1, () => { console.log('working'); return new Promise(() => {}); });
    else console.log('ready');
    if (how === 'lost') void broker.close(new BusError('the server went away', { code: 'UNAVAILABLE' }));
  }
  async onDrain() {
    console.log('draining');
    this.finish?.();
    if (how === 'hangs') await new Promise(() => {});
  }
}
Service(defineService('Doing', {}))(Doing);
const start = (signal) => startHost({
  signal,
  transport: broker.connect(),
  clock: systemClock,
  services: [Doing],
  drainTimeoutMs: how === 'works' ? 50 : 60_000,
});
setInterval(() => {}, 60_000);
await runUntilSignal(how === 'starts' ? start() : start);
`;

describe('runUntilSignal', () => {
  let child: ChildProcess;
  let output = '';
  let closed: Promise<unknown[]>;
  afterEach(async () => {
    child.kill('SIGKILL');
    await closed;
  });

  function run(how: string): void {
    output = '';
    child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM, '--', how], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    closed = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        child.emit('said');
      });
    }
  }
  async function says(text: string): Promise<void> {
    while (!output.includes(text)) await Promise.race([once(child, 'said'), closed.then(() => fail(text))]);
  }
  const fail = (text: string) => {
    if (!output.includes(text)) throw new Error(`it ended before it said ${text}: ${output}`);
  };
  const exitCode = async () => (await closed)[0];

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`drains on ${signal} and exits with 0`, async () => {
      run('drains');
      await says('ready');
      child.kill(signal);
      expect(await exitCode()).to.equal(0);
      expect(output).to.contain('draining');
    });
  }
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`exits at once with ${code} on a second signal, ${signal}`, async () => {
      run('hangs');
      await says('ready');
      child.kill('SIGTERM');
      await says('draining');
      child.kill(signal);
      expect(await exitCode()).to.equal(code);
    });
    it(`finishes what runs and exits with ${code} on ${signal} while it gets ready`, async () => {
      run('readies');
      await says('busy');
      child.kill(signal);
      expect(await exitCode()).to.equal(code);
      expect(output).to.match(/busy\ndraining\ndone\n$/);
    });
    it(`exits with ${code} on ${signal} while a hook is stuck in the start`, async () => {
      run('sticks');
      await says('starting');
      child.kill(signal);
      expect(await exitCode()).to.equal(code);
    });
    it(`exits at once with ${code} on ${signal} while a host starts that was handed over as a promise`, async () => {
      run('starts');
      await says('starting');
      child.kill(signal);
      expect(await exitCode()).to.equal(code);
    });
  }
  it('says that the services are started, and on which transport', async () => {
    run('drains');
    await says('"transport":"memory","msg":"started: service.Doing"');
    child.kill('SIGTERM');
    expect(await closed).to.deep.equal([0, null]);
  });

  it('exits with 1 and one sentence when the start fails', async () => {
    run('fails');
    expect(await exitCode()).to.equal(1);
    expect(output).to.match(/^\[TERABUS_START_FAILED\] Doing failed in onStart: no database$/m);
  });
  it('exits with 2 when the connection is lost', async () => {
    run('lost');
    expect(await exitCode()).to.equal(2);
    expect(output).to.contain('the server went away');
  });
  it('exits with 3 when work was cut off', async () => {
    run('works');
    await says('working');
    child.kill('SIGTERM');
    expect(await exitCode()).to.equal(3);
    expect(output).to.contain('work was cut off');
  });
});
