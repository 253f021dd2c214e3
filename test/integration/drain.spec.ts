import type { Host } from '@terabus/core';
import { BusError, defineService, Service, startHost, TeraService } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { freePort } from './support/free-port.js';
import { Program } from './support/program.js';
import { farewells, releases, Slow } from './support/slow-service.js';

const Asker = defineService('Test.Asker', {});

@Service(Asker, { uses: [Slow, releases, farewells] })
class AskerService extends TeraService {
  readonly farewells: string[] = [];

  protected override async onStart() {
    await this.subscribe(farewells, (text) => this.farewells.push(text));
  }
  work(n: number) {
    return this.client(Slow).work(n);
  }
  release() {
    return this.publish(releases, '');
  }
}

describe('a service over NATS that is told to stop', function () {
  this.timeout(60_000);
  let server: NatsServer;
  let host: Host;
  let asker: AskerService;
  let program: Program;
  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());
  beforeEach(async () => {
    const transport = await connectNats({ servers: server.url });
    host = await startHost({ transport, services: [AskerService], logger: pino({ level: 'silent' }) });
    asker = host.service(AskerService);
  });
  afterEach(async () => {
    program.kill('SIGKILL');
    await program.ended();
    await host.stop();
  });

  async function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    program = new Program('slow-service.js', ['--run', ...args], {
      NATS_URL: server.url,
      TERABUS_DRAIN_TIMEOUT_MS: '20000',
      ...env,
    });
    await program.says('"ready":true');
  }

  /** Calls, and how each of them ended: `answered`, or the code of its error. */
  class Calls {
    readonly #outcomes: Promise<string>[] = [];

    get count(): number {
      return this.#outcomes.length;
    }
    make(): void {
      const n = this.count;
      this.#outcomes.push(
        asker.work(n).then(
          (result) => (result === n ? 'answered' : `answered with ${result} instead of ${n}`),
          (error: unknown) => BusError.from(error).code,
        ),
      );
    }
    async outcomes(): Promise<Record<string, number>> {
      const counts: Record<string, number> = {};
      for (const outcome of await Promise.all(this.#outcomes)) counts[outcome] = (counts[outcome] ?? 0) + 1;
      return counts;
    }
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`by ${signal} answers each call that was handed to it, others are UNAVAILABLE at once, none times out`, async () => {
      await start();
      const calls = new Calls();
      // Half of them are on their way before the signal, the others come while the service drains, and after.
      while (calls.count < 500) calls.make();
      await program.says('"full":true');
      program.kill(signal);
      const draining = program.says('"draining":true');
      while (calls.count < 750) {
        calls.make();
        await new Promise((resolve) => setImmediate(resolve));
      }
      await draining;
      while (calls.count < 900) calls.make();
      expect(await program.ended()).to.equal(0);
      while (calls.count < 1_000) calls.make();

      const { answered = 0, UNAVAILABLE = 0, ...others } = await calls.outcomes();
      expect(others).to.deep.equal({});
      expect(answered + UNAVAILABLE).to.equal(1_000);
      expect(answered).to.be.at.least(50);
      expect(UNAVAILABLE).to.be.at.least(100);
      // Every call that was run was answered: none was run for nobody.
      expect(asker.farewells).to.deep.equal([`${answered} answered`]);
    });
  }

  it('is alive and not ready as long as it drains', async () => {
    const port = await freePort();
    const statuses = async () => {
      const paths = ['livez', 'readyz'];
      return Promise.all(paths.map(async (path) => (await fetch(`http://127.0.0.1:${port}/${path}`)).status));
    };
    await start(['--never'], { TERABUS_HEALTH_PORT: `${port}`, TERABUS_DRAIN_TIMEOUT_MS: '1000' });
    const calls = new Calls();
    calls.make();
    expect(await statuses()).to.deep.equal([200, 200]);
    program.kill('SIGTERM');
    await program.says('"draining":true');
    expect(await statuses()).to.deep.equal([200, 503]);
    expect(await calls.outcomes()).to.deep.equal({ UNAVAILABLE: 1 });
    expect(await program.ended()).to.equal(3);
  });

  it('lets a handler finish, and sends what it publishes at its end', async () => {
    await start();
    await asker.release();
    await program.says('"holding":true');
    program.kill('SIGTERM');
    expect(await program.ended()).to.equal(0);
    await host.stop();
    expect(asker.farewells).to.deep.equal(['the handler was finished', '0 answered']);
  });

  it('gives up at the limit of its drain: calls that run or wait are UNAVAILABLE, and it exits with 3', async () => {
    await start(['--never'], { TERABUS_DRAIN_TIMEOUT_MS: '300' });
    const calls = new Calls();
    while (calls.count < 200) calls.make();
    await program.says('"full":true');
    program.kill('SIGTERM');
    expect(await calls.outcomes()).to.deep.equal({ UNAVAILABLE: 200 });
    expect(await program.ended()).to.equal(3);
    expect(program.output).to.contain('work was cut off');
    await host.stop();
    expect(asker.farewells).to.deep.equal(['0 answered']);
  });
});
