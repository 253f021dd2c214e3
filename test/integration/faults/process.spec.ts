import { once } from 'node:events';
import { type Health, openBus } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { type ChaosProxy, startProxy } from '@terabus/testing/chaos';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { Laborious } from '../support/laborious-service.js';
import { Program } from '../support/program.js';

describe('a process', function () {
  this.timeout(40_000);
  let server: NatsServer;
  let proxy: ChaosProxy;
  let transport: Transport;
  let program: Program;
  let exited: Promise<(number | string | null)[]>;
  let healthPort: number;

  beforeEach(async () => {
    server = await startNatsServer();
    proxy = await startProxy({ target: server.port });
    transport = await connectNats({ servers: server.url });
    healthPort = await freePort();
  });
  afterEach(async () => {
    program.kill('SIGKILL');
    program.process.stdout?.resume();
    await program.ended();
    await transport.close();
    await proxy.stop();
    await server.stop();
  });

  async function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    program = new Program('laborious-service.js', ['--run', ...args], {
      NATS_URL: proxy.url,
      TERABUS_HEALTH_PORT: `${healthPort}`,
      ...env,
    });
    exited = once(program.process, 'exit');
    await program.says('ready\n');
  }
  const client = () => openBus({ transport, source: 'service.Test' }).client(Laborious);
  const health = async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).json() as Promise<Health>;
  const linesRead = () => program.output.match(/^\{.*"line":\d+.*\}$/gm)?.length;

  it('that a handler blocks for longer than a dead link is waited for keeps its link, and health shows the stall', async () => {
    await start();
    // The event loop is watched from the first reading on.
    await eventually(async () => {
      await client().block(50);
      expect((await health()).eventLoop.maxMs).to.be.greaterThan(0);
    });
    await client().block(5_000);
    await client().block(0);
    await eventually(async () => void expect((await health()).eventLoop.maxMs).to.be.greaterThan(4_000));
    expect(await health()).to.nested.include({ ready: true, 'counters.disconnects': 0 });
    expect(proxy.accepted).to.equal(1);
  });

  for (const [how, args] of [
    ['exits', []],
    ['dies of an error', ['--throw']],
  ] as const) {
    it(`that ${how} as soon as it has published has handed that over`, async () => {
      const words: string[] = [];
      await transport.subscribe('words', {}, ({ bytes }) => words.push(`${Buffer.from(bytes)}`));
      program = new Program('last-words.js', args, { NATS_URL: server.url });
      await program.ended();
      await eventually(() => {
        expect(words).to.deep.equal(['first', 'last']);
      });
    });
  }

  it('whose log nobody reads does its work, and ends when it is told to', async () => {
    await start();
    program.process.stdout?.pause();
    await client().log(20_000);
    await client().block(0);
    expect(await health()).to.nested.include({ ready: true });
    program.kill('SIGTERM');
    expect(await exited).to.deep.equal([0, null]);
  });

  it('whose log is read late has all of it that may wait, and tells how much is missing', async () => {
    await start();
    program.process.stdout?.pause();
    await client().log(20_000);
    program.process.stdout?.resume();
    await program.says('lines of log are missing here');
    const missing = Number(/"msg":"(\d+) lines of log are missing/.exec(program.output)?.[1]);
    expect(linesRead()).to.equal(20_000 - missing);
  });

  it('that ends has written the last lines of its log', async () => {
    await start([], { LAST_LINES: '2000' });
    program.kill('SIGTERM');
    expect(await program.ended()).to.equal(0);
    expect(linesRead()).to.equal(2_000);
  });

  it('that does not end its drain ends at a second SIGTERM, and callers know at once that nobody is there', async () => {
    await start(['--never']);
    program.kill('SIGTERM');
    await program.says('draining\n');
    program.kill('SIGTERM');
    expect(await exited).to.deep.equal([143, null]);
    // One that is sent before the server has noticed the end goes to nobody.
    await eventually(async () => {
      const error = await client()
        .block(0, { timeoutMs: 500 })
        .catch((thrown) => thrown);
      expect(error).to.include({ reason: 'TERABUS_NO_RESPONDERS' });
    });
  });

  it('that is killed in its drain leaves nothing that keeps the next one from working', async () => {
    await start(['--never']);
    program.kill('SIGTERM');
    await program.says('draining\n');
    program.kill('SIGKILL');
    expect(await exited).to.deep.equal([null, 'SIGKILL']);
    await start();
    expect(await client().block(0)).to.equal(null);
  });
});
