import type { Host } from '@terabus/core';
import { BusError, defineService, OnPayload, Service, startHost, TeraService } from '@terabus/core';
import { UserEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { eventually } from './support/eventually.js';
import { Program } from './support/program.js';
import { effects, Solo, SoloService } from './support/solo-service.js';

const Sender = defineService('Test.Sender', {});

@Service(Sender, { uses: [Solo, effects] })
class SenderService extends TeraService {
  sent = 0;
  readonly effects: string[] = [];
  readonly answers: (number | string)[] = [];
  #going = false;
  #stream: Promise<unknown> = Promise.resolve();

  @OnPayload(effects)
  onEffect(text: string) {
    this.effects.push(text);
  }

  /** Sends messages and calls, one after the other, until it is told to stop. */
  begin() {
    this.#going = true;
    const messages = async () => {
      while (this.#going) {
        this.sent += 1;
        await this.send(Solo.messages, UserEvent.create({ userFullname: `${this.sent}` }));
        // Never far ahead: what is missing in the end is lost, and no backlog of a busy machine.
        do await new Promise((resolve) => setImmediate(resolve));
        while (this.#going && 2 * this.sent - this.effects.length > 500);
      }
    };
    const calls = async () => {
      while (this.#going) {
        const answer = await this.client(Solo)
          .who()
          .catch((error: unknown) => BusError.from(error).message);
        this.answers.push(answer);
      }
    };
    this.#stream = Promise.all([messages(), calls()]);
  }
  async end() {
    this.#going = false;
    await this.#stream;
  }
}

/** Handlers that began while one of another instance ran; what they saw that was no gap; what was handled. */
function read(lines: readonly string[]) {
  const running = new Map<string, string>();
  const overlaps: string[] = [];
  const verdicts = new Set<string>();
  const handled: number[] = [];
  for (const line of lines) {
    const [what, who = '', n = '', verdict = ''] = line.split(' ');
    if (what === 'begin') {
      const others = [...running].filter(([other]) => other !== who);
      if (others.length > 0) overlaps.push(`${line} while ${others.join(' ')}`);
      running.set(who, n);
      verdicts.add(verdict);
      handled.push(Number(n));
    } else running.delete(who);
  }
  return { overlaps, verdicts: [...verdicts].sort(), handled: handled.sort((a, b) => a - b) };
}

describe('the instances of a module over NATS', function () {
  this.timeout(60_000);
  let server: NatsServer;
  let sender: SenderService;
  const hosts: Host[] = [];
  const programs: Program[] = [];
  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());
  beforeEach(async () => {
    sender = (await start(SenderService)).service(SenderService);
  });
  afterEach(async () => {
    await sender.end();
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
    for (const program of programs.splice(0)) {
      program.kill('SIGKILL');
      await program.ended();
    }
  });

  async function start(serviceClass: typeof SoloService | typeof SenderService): Promise<Host> {
    const transport = await connectNats({ servers: server.url });
    const host = await startHost({ transport, services: [serviceClass], logger: pino({ level: 'silent' }) });
    hosts.push(host);
    return host;
  }
  async function startProgram(): Promise<Program> {
    const program = new Program('solo-service.js', ['--run'], { NATS_URL: server.url });
    programs.push(program);
    await program.says('"active":true');
    return program;
  }
  const isActive = (host: Host) => eventually(() => void expect(host.health().services[0]?.role).to.equal('active'));
  const someMore = async (count: number) => {
    const until = sender.sent + count;
    await eventually(() => void expect(sender.sent).to.be.at.least(until));
  };
  /** All that was sent has been handled, once, by one instance at a time, and no number seemed to be missing. */
  async function expectWhole(): Promise<void> {
    await sender.end();
    await eventually(
      () => void expect(sender.effects.filter((line) => line.startsWith('end'))).to.have.length(sender.sent),
    );
    const { overlaps, verdicts, handled } = read(sender.effects);
    expect(overlaps).to.deep.equal([]);
    expect(handled).to.deep.equal(Array.from({ length: sender.sent }, (_, n) => n + 1));
    expect(verdicts).to.not.include('gap').and.not.include('late');
    expect(sender.answers.filter((answer) => typeof answer !== 'number')).to.deep.equal([]);
  }

  it('hand over ten times under way: nothing is lost, or comes twice, or seems to be missing', async () => {
    await start(SoloService);
    await start(SoloService);
    sender.begin();
    for (let n = 0; n < 5; n++) {
      await someMore(100);
      const newer = await start(SoloService);
      await isActive(newer);
      await someMore(100);
      // One of the others takes over again.
      await newer.stop();
      expect(hosts.filter((host) => host.health().services[0]?.role === 'active')).to.have.length(2);
    }
    await expectWhole();
  });

  it('hand over between two processes, by a newer one and by SIGTERM, without losing a call', async () => {
    const standby = await start(SoloService);
    sender.begin();
    await someMore(50);
    const program = await startProgram();
    await someMore(200);
    program.kill('SIGTERM');
    expect(await program.ended()).to.equal(0);
    await isActive(standby);
    await someMore(50);
    await expectWhole();
    expect(new Set(sender.answers)).to.deep.equal(new Set([process.pid, program.process.pid]));
  });

  it('replace the active one when it is killed', async () => {
    const standby = await start(SoloService);
    const program = await startProgram();
    await eventually(() => void expect(standby.health().services[0]?.role).to.equal('standby'));
    program.kill('SIGKILL');
    await program.ended();
    await isActive(standby);
    sender.begin();
    await someMore(50);
    await expectWhole();
  });

  it('are one that is active when several start at the same time', async () => {
    const starting = await Promise.all(Array.from({ length: 4 }, () => start(SoloService)));
    await eventually(() => {
      const roles = starting.map((host) => host.health().services[0]?.role);
      expect(roles.sort()).to.deep.equal(['active', 'standby', 'standby', 'standby']);
    });
    sender.begin();
    await someMore(100);
    await expectWhole();
  });
});
