import { BusError } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { freePort } from './support/free-port.js';
import { Program } from './support/program.js';

describe('a service that can’t start', function () {
  this.timeout(30_000);
  let program: Program | undefined;
  afterEach(async () => {
    program?.kill('SIGKILL');
    await program?.ended();
    program = undefined;
  });

  async function run(env: Readonly<Record<string, string>>): Promise<string> {
    program = new Program('slow-service.js', ['--run'], env);
    expect(await program.ended()).to.equal(1);
    return program.output;
  }
  const expectOneLine = (output: string) => expect(output.trimEnd().split('\n'), output).to.have.length(1);

  it('because no server is there within the time allowed says so', async () => {
    const servers = `nats://127.0.0.1:${await freePort()}`;
    const error = await connectNats({ servers, connectTimeoutMs: 200 }).then(
      async (transport) => transport.close(),
      (reason: unknown) => BusError.from(reason),
    );
    expect(error?.code).to.equal('UNAVAILABLE');
    expect(error?.message).to.contain('127.0.0.1').and.contain('200');
  });

  it('because no server is there exits with 1 and one sentence', async () => {
    const output = await run({
      NATS_URL: `nats://127.0.0.1:${await freePort()}`,
      TERABUS_CONNECT_TIMEOUT_MS: '200',
    });
    expectOneLine(output);
    expect(output).to.contain('127.0.0.1');
  });

  const environments: [Readonly<Record<string, string>>, string, string][] = [
    [{ TERABUS_LOG_LEVEL: 'loud' }, 'TERABUS_LOG_LEVEL must be one of trace, debug', '"loud"'],
    [{ TERABUS_DRAIN_TIMEOUT_MS: '-1' }, 'TERABUS_DRAIN_TIMEOUT_MS must be a whole number of milliseconds', '"-1"'],
    [{ TERABUS_NAMESPACE: 'a b' }, 'TERABUS_NAMESPACE must be', '"a b"'],
    [{ TERABUS_DRAIN_TIMEOUT: '5' }, 'nobody reads the environment variable TERABUS_DRAIN_TIMEOUT', 'there are'],
    [{ NATS_URL: 'http://me:secret@host' }, 'NATS_URL must be', "can't be shown"],
  ];
  for (const [env, ...expected] of environments) {
    it(`because of ${Object.keys(env).join()} exits with 1 and one sentence`, async () => {
      const output = await run(env);
      expectOneLine(output);
      for (const text of expected) expect(output).to.contain(text);
      expect(output).not.to.contain('secret@');
    });
  }
});
