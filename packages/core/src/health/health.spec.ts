import { once } from 'node:events';
import { connect } from 'node:net';
import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { z } from 'zod';
import type { HostOptions, ServiceClass, Usable } from '../index.js';
import { defineModule, defineService, defineTopic, OnPayload, Rpc, rpc, Service, TeraService } from '../index.js';
import { deferred } from '../service/deferred.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { Transport, TransportEvent, TransportHealth } from '../transport/index.js';

const Desk = defineService('Test.Desk', { rpc: { ask: rpc({ args: [], returns: z.null() }) } });
const Quiet = defineService('Test.Quiet', {});
const Solo = defineModule('Test.Solo', {});
const notes = defineTopic('notes', { wrapper: 'text' });

const down = new BusError('the link is down', { reason: 'TERABUS_DISCONNECTED' });

/** A connection whose link does what a test says. */
class Link {
  health: Partial<TransportHealth> = {};
  prepared = 0;
  refusal: BusError | undefined;
  readonly transport: Transport;
  readonly #listeners = new Set<(event: TransportEvent) => void>();

  constructor(inner: Transport) {
    this.transport = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'health') return () => ({ ...target.health(), ...this.health });
        if (name === 'watch') return (listener: (event: TransportEvent) => void) => this.#watch(listener);
        if (name === 'prepareRequests') return () => this.#prepare();
        const value = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
  get watchers(): number {
    return this.#listeners.size;
  }
  tell(event: TransportEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
  #watch(listener: (event: TransportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  async #prepare(): Promise<void> {
    this.prepared += 1;
    if (this.refusal !== undefined) throw this.refusal;
  }
}

describe('the health of a host', () => {
  let stage: Stage;
  let link: Link;
  /** What handlers wait for. */
  let door = deferred<void>();
  let started = deferred<void>();
  beforeEach(() => {
    stage = new Stage();
    link = new Link(stage.broker.connect());
    door = deferred();
    started = deferred();
  });
  afterEach(() => {
    door.resolve();
    started.resolve();
    return stage.end();
  });

  @Service(Desk, { uses: [notes] })
  class DeskService extends TeraService {
    protected override onDrain() {
      return started.promise;
    }
    @OnPayload(notes)
    onNote() {
      return door.promise;
    }
    @Rpc(Desk.rpc.ask)
    async ask() {
      await door.promise;
      return null;
    }
  }
  @Service(Solo)
  class SoloService extends TeraService {}
  @Service(Quiet)
  class QuietService extends TeraService {
    protected override onStart() {
      return started.promise;
    }
  }
  const start = (serviceClass: ServiceClass = DeskService, options: Partial<HostOptions> = {}) =>
    stage.start(serviceClass, { transport: link.transport, ...options });

  it('tells what waits and runs in each group, and how the link is, as plain data', async () => {
    started.resolve();
    const host = await start();
    for (let n = 0; n < 3; n++) await stage.client.publish({ topic: 'notes', bytes: new Uint8Array() });
    await stage.settle();
    const health = host.health();
    expect(JSON.parse(JSON.stringify(health))).to.deep.equal({
      live: true,
      ready: true,
      state: 'running',
      problems: [],
      connection: { state: 'up', unconfirmed: { messages: 0, bytes: 0 }, waiting: { messages: 0, bytes: 0 } },
      services: [
        {
          address: 'service.Test.Desk',
          role: 'active',
          held: 0,
          groups: [
            {
              pattern: 'notes',
              running: 1,
              waiting: 2,
              waitingBytes: 0,
              maxQueued: 4_096,
              maxQueuedBytes: 2 ** 24,
              dropped: 0,
            },
            {
              pattern: 'service.Test.Desk.rpc',
              running: 0,
              waiting: 0,
              waitingBytes: 0,
              maxQueued: 1_024,
              maxQueuedBytes: 2 ** 24,
              dropped: 0,
            },
          ],
        },
      ],
      eventLoop: health.eventLoop,
      counters: { ...host.counters },
    });
  });

  it('is not ready while the link is down or has problems, and ready when they are solved', async () => {
    started.resolve();
    const host = await start();
    const states: [Partial<TransportHealth>, string[]][] = [
      [{ state: 'down', problems: [down] }, ['TERABUS_DISCONNECTED']],
      [{ state: 'down' }, ['TERABUS_DISCONNECTED']],
      [
        { state: 'up', problems: [new BusError('no', { reason: 'TERABUS_NATS_FORBIDDEN' })] },
        ['TERABUS_NATS_FORBIDDEN'],
      ],
      [{}, []],
    ];
    for (const [state, reasons] of states) {
      link.health = state;
      const { live, ready, problems } = host.health();
      expect(problems.map(({ reason }) => reason)).to.deep.equal(reasons);
      expect([live, ready]).to.deep.equal([true, reasons.length === 0]);
    }
  });

  it('is not ready from the moment of a stop on, before any subscription ends, and is live till the end', async () => {
    const host = await start();
    const stopping = host.stop();
    expect(host.health().problems.map(({ reason }) => reason)).to.deep.equal(['TERABUS_DRAINING']);
    await stage.client.publish({ topic: 'notes', bytes: new Uint8Array() });
    await stage.settle();
    // It still listens: its onDrain has not ended yet.
    expect(host.health().services[0]?.groups[0]?.running).to.equal(1);
    started.resolve();
    door.resolve();
    await stopping;
    const { live, ready, state } = host.health();
    expect({ live, ready, state }).to.deep.equal({ live: true, ready: false, state: 'stopped' });
  });

  it('is not live when the host has ended though nobody asked it to', async () => {
    started.resolve();
    const host = await start();
    await stage.broker.close(down);
    await host.stopped;
    expect(host.health().live).to.equal(false);
  });

  it('takes a standby for ready', async () => {
    const first = await start(SoloService);
    await stage.clock.advance(1);
    await stage.start(SoloService);
    await stage.settle();
    const { ready, services } = first.health();
    expect([ready, services[0]?.role]).to.deep.equal([true, 'standby']);
  });

  it('measures how late the event loop is, when it is asked', async () => {
    started.resolve();
    const host = await start();
    expect(host.health().eventLoop).to.deep.equal({ delayMs: 0, maxMs: 0 });
    // Again until it is seen: the first look of the measurement may come late itself.
    while (host.health().eventLoop.maxMs < 80) {
      const until = performance.now() + 100;
      while (performance.now() < until);
      for (let n = 0; n < 3; n++) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect(host.health().eventLoop.delayMs).to.be.at.most(host.health().eventLoop.maxMs);
  });

  describe('over HTTP', () => {
    const ask = async (port: number | undefined, path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      const text = await response.text();
      return { status: response.status, text, type: response.headers.get('content-type') };
    };
    const statuses = async (port: number | undefined) => [
      (await ask(port, '/livez')).status,
      (await ask(port, '/readyz')).status,
    ];

    it('is 200 or 503, while the host starts, runs and drains; then nobody answers', async () => {
      const port = await freePort();
      const starting = start(QuietService, { health: { port, host: '127.0.0.1' } });
      await stage.settle();
      expect(await statuses(port)).to.deep.equal([200, 503]);
      started.resolve();
      const host = await starting;
      expect(host.healthPort).to.equal(port);
      expect(await statuses(port)).to.deep.equal([200, 200]);
      link.health = { state: 'down' };
      expect(await statuses(port)).to.deep.equal([200, 503]);
      link.health = {};
      await host.stop();
      const error = await ask(port, '/livez').catch((failure: unknown) => failure);
      expect(error).to.be.instanceOf(TypeError);
    });

    it('is 503 as long as the host drains', async () => {
      const host = await start(DeskService, { health: { port: 0 } });
      const stopping = host.stop();
      const { status, text } = await ask(host.healthPort, '/readyz');
      expect([status, JSON.parse(text).problems[0].reason]).to.deep.equal([503, 'TERABUS_DRAINING']);
      started.resolve();
      await stopping;
    });

    it('is JSON for GET, nothing for HEAD, and not found for all else', async () => {
      started.resolve();
      const { healthPort: port, ...host } = await start(DeskService, { health: { port: 0 } });
      expect(host).to.be.an('object');
      const got = await ask(port, '/readyz?verbose');
      expect([got.status, got.type, JSON.parse(got.text).ready]).to.deep.equal([200, 'application/json', true]);
      expect(await ask(port, '/readyz', 'HEAD')).to.deep.equal({ status: 200, text: '', type: 'application/json' });
      for (const [path, method] of [['/'], ['/readyz/'], ['/metrics'], ['/readyz', 'POST'], ['/livez', 'DELETE']]) {
        expect((await ask(port, path ?? '', method)).status, `${method} ${path}`).to.equal(404);
      }
    });

    it('is answered though somebody holds as many connections as may be, and asks nothing', async () => {
      started.resolve();
      const { healthPort: port } = await start(DeskService, { health: { port: 0, host: '127.0.0.1' } });
      const idle = Array.from({ length: 40 }, () => connect(port as number, '127.0.0.1').on('error', () => undefined));
      await Promise.all(idle.map((socket) => once(socket, 'connect')));
      expect(await statuses(port)).to.deep.equal([200, 200]);
      for (const socket of idle) socket.destroy();
    });

    it('does not let a start that is given up meanwhile end the process', async () => {
      const unhandled: unknown[] = [];
      const listener = (error: unknown) => unhandled.push(error);
      process.on('unhandledRejection', listener);
      try {
        const giveUp = new AbortController();
        // A name is looked up, which takes some turns of the event loop.
        const health = { port: 0, host: 'localhost' };
        const starting = rejection(start(DeskService, { health, signal: giveUp.signal }));
        giveUp.abort();
        expect((await starting).code).to.equal('CANCELLED');
        expect(unhandled).to.deep.equal([]);
      } finally {
        process.off('unhandledRejection', listener);
      }
    });

    it('keeps a host from starting where its port is taken, and says so', async () => {
      started.resolve();
      const first = await start(DeskService, { health: { port: 0 } });
      const port = first.healthPort as number;
      const error = await rejection(stage.start(QuietService, { health: { port } }));
      expect(error.reason).to.equal('TERABUS_START_FAILED');
      expect(error.rawMessage).to.equal(
        `the health of the host can't be shown at port ${port}: somebody else listens there`,
      );
    });
  });

  describe('and its link', () => {
    const lines = () => stage.log.map(({ level, msg }) => `${level} ${msg}`);

    it('stands in the log, in the counters, and is told to observers', async () => {
      started.resolve();
      const host = await start();
      const bad = new BusError('no header', { reason: 'TERABUS_MESSAGE_BAD' });
      const events: TransportEvent[] = [
        { kind: 'disconnected', server: 'nats-1', error: down, unconfirmed: 3 },
        { kind: 'reconnected', server: 'nats-2', downMs: 40 },
        { kind: 'lame-duck', server: 'nats-2' },
        { kind: 'problem', error: down },
        { kind: 'solved', error: down },
        ...Array.from({ length: 1_001 }, (_, n) => ({ kind: 'bad-message', error: bad, count: n + 1 }) as const),
        { kind: 'reply-refused', shape: 'inbox', topic: 'notes' },
        { kind: 'error', error: new BusError('somebody threw', { code: 'INTERNAL' }) },
      ];
      for (const event of events) link.tell(event);
      expect(lines()).to.deep.equal([
        '40 the link to nats-1 is lost, and is being restored',
        '30 the link is back, to nats-2',
        '40 nats-2 is about to end',
        '50 [TERABUS_DISCONNECTED] the link is down',
        '30 solved: the link is down',
        '50 [TERABUS_MESSAGE_BAD] no header',
        '50 [TERABUS_MESSAGE_BAD] no header',
        '40 a caller wants its answer where no answer is sent: it gets none',
        '50 [INTERNAL] somebody threw',
      ]);
      expect(stage.log[0]).to.deep.include({ server: 'nats-1', unconfirmed: 3 });
      expect(stage.log[1]).to.deep.include({ downMs: 40 });
      expect(host.counters).to.deep.include({ disconnects: 1, badMessages: 1_001 });
      expect(stage.eventsOf('link').map(({ event }) => event)).to.deep.equal(events);
    });

    it('is watched until the host has ended', async () => {
      started.resolve();
      const host = await start();
      expect(link.watchers).to.equal(1);
      await host.stop();
      expect(link.watchers).to.equal(0);
    });
  });

  describe('and requests', () => {
    it('are prepared at the start of those who make any, and of no others', async () => {
      const serviceWith = (name: string, uses: readonly Usable[]) => {
        @Service(defineService(name, {}), { uses })
        class UsingService extends TeraService {}
        return UsingService;
      };
      const services = [
        DeskService,
        serviceWith('Test.Caller', [Desk]),
        serviceWith('Test.One', [Desk.rpc.ask]),
        serviceWith('Test.Speaker', [notes]),
        QuietService,
      ];
      started.resolve();
      const counts: number[] = [];
      for (const service of services) {
        link = new Link(stage.broker.connect());
        await start(service);
        counts.push(link.prepared);
      }
      expect(counts).to.deep.equal([0, 1, 1, 0, 0]);
    });

    it('that may not be made fail the start, and the error names the grant', async () => {
      started.resolve();
      link.refusal = new BusError('no permission to subscribe to _REPLY.desk.>', { reason: 'TERABUS_NATS_FORBIDDEN' });
      const error = await rejection(start(SoloService));
      expect(error.reason).to.equal('TERABUS_START_FAILED');
      expect(error.rawMessage).to.equal(
        'SoloService may not receive answers: no permission to subscribe to _REPLY.desk.>',
      );
    });
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  return port;
}
