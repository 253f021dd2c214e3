import {
  type DurableContext,
  defineService,
  defineTopic,
  from,
  type Host,
  OnEvent,
  openBus,
  planStreams,
  Service,
  type ServiceClass,
  startHost,
  TeraService,
} from '@terabus/core';
import { type Transport, toName } from '@terabus/core/transport';
import { DeviceEvent } from '@terabus/messages';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { unfinished } from '../../soak/run/stored.js';
import { administrator } from '../streams/admin.js';
import { eventually } from '../support/eventually.js';
import { FailingDeadLetters, WORKER } from '../support/failing-dead-letters.js';
import { rawClient } from '../support/raw-client.js';

const jobs = defineTopic('jobs', { wrapper: 'event', types: [DeviceEvent], durable: { tries: 3, retryAfterMs: 20 } });
const Works = defineService('Test.Works', {});
const job = (deviceName: string) => DeviceEvent.create({ deviceName });

/** A service whose handler does as it is told, and those who saw it. */
function works(handle: (name: string, context: DurableContext) => unknown, options: Parameters<typeof from>[1] = {}) {
  const source = from(jobs, { ...options, start: 'all' });
  @Service(Works, { uses: [jobs] })
  class WorksService extends TeraService {
    @OnEvent(source, DeviceEvent)
    onJob({ deviceName }: DeviceEvent, context: DurableContext) {
      return handle(deviceName, context);
    }
  }
  return WorksService;
}

describe('a stored message', () => {
  let server: NatsServer;
  let namespace: string;
  let transport: Transport;
  let hosts: Host[];
  let trail: string[];
  let runs = 0;
  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(async () => {
    runs += 1;
    namespace = `run-${runs}`;
    transport = await connectNats({ servers: server.url, namespace });
    hosts = [];
    trail = [];
  });
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    await transport.close();
  });

  const start = async (service: ServiceClass): Promise<Host> => {
    await provision(planStreams([service]), { servers: server.url, namespace });
    const own = await connectNats({ servers: server.url, namespace });
    const host = await startHost({ transport: own, services: [service], logLevel: 'silent' });
    hosts.push(host);
    return host;
  };
  const bus = () => openBus({ transport, source: 'service.Test' });
  const publish = (...names: string[]) => bus().publishAll(jobs, names.map(job));
  const done = (service: ServiceClass) =>
    eventually(async () => void expect(await unfinished(transport, planStreams([service]))).to.equal(0));
  const dead = async (host: Host, service: ServiceClass) => (await host.deadLetters(service).list()).letters;

  it('whose handler fails twice and then succeeds is handled, and nobody else is held up', async () => {
    const service = works((name, { durable }) => {
      trail.push(`${name} ${durable.attempt}`);
      if (name === 'bad' && durable.attempt < 3) throw new Error('not now');
    });
    const host = await start(service);
    await publish('bad');
    await publish('good');
    await done(service);
    expect(trail).to.deep.equal(['bad 1', 'good 1', 'bad 2', 'bad 3']);
    expect(await dead(host, service)).to.deep.equal([]);
  });

  it('whose handler hangs is given up after its tries, with the others handled', async () => {
    const handle = (name: string) => {
      trail.push(name);
      return name === 'hangs' ? new Promise(() => {}) : undefined;
    };
    const service = works(handle, { concurrency: 2, timeoutMs: 50, abandonAfterMs: 20 });
    const host = await start(service);
    await publish('hangs');
    for (const name of ['1', '2', '3']) await publish(name);
    await done(service);
    expect(trail.toSorted()).to.deep.equal(['1', '2', '3', 'hangs', 'hangs', 'hangs']);
    expect((await dead(host, service)).map(({ reason, tries }) => [reason, tries])).to.deep.equal([
      ['TERABUS_HANDLER_TIMEOUT', 3],
    ]);
  });

  it('with siblings in its envelope is tried again alone', async () => {
    const service = works((name, { durable }) => {
      trail.push(`${name} ${durable.attempt}`);
      if (name === 'worst' || (name === 'bad' && durable.attempt === 1)) throw new Error('not now');
    });
    const host = await start(service);
    await publish('first', 'bad', 'worst', 'last');
    await done(service);
    expect(trail.toSorted()).to.deep.equal(['bad 1', 'bad 2', 'first 1', 'last 1', 'worst 1', 'worst 2', 'worst 3']);
    expect((await dead(host, service)).map(({ index }) => index)).to.deep.equal([2]);
  });

  it('whose subject is nobody’s is put aside, also where no header can hold it', async () => {
    const reports = defineTopic('reports.{ward}', { wrapper: 'event', types: [DeviceEvent], durable: true });
    @Service(Works, { uses: [reports] })
    class ReportsService extends TeraService {
      @OnEvent(from(reports.all, { start: 'all' }), DeviceEvent)
      onReport({ deviceName }: DeviceEvent) {
        trail.push(deviceName);
      }
    }
    const host = await start(ReportsService);
    const raw = await rawClient(server.port);
    // What is no ASCII goes as the bytes of its UTF-8; the last one is none.
    for (const ward of ['a\xc2\xa0', 'a\xff']) await raw.publish(`@${namespace}.reports.${ward}`, 'x');
    raw.close();
    await bus().publish(reports({ ward: 'a' }), job('good'));
    await done(ReportsService);
    expect(trail).to.deep.equal(['good']);
    const letters = await dead(host, ReportsService);
    expect(letters.map(({ reason }) => reason)).to.deep.equal(Array(2).fill('TERABUS_SUBJECT_INVALID'));
    expect(letters[0]?.topic).to.equal('reports.a\u00a0');
    expect(host.health().problems).to.deep.equal([]);
  });

  it('that finds no room among the retries is tried in its place, and given up', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `bad ${n}`);
    let open = () => {};
    const door = new Promise<void>((resolve) => {
      open = resolve;
    });
    const handle = async (name: string, { durable }: DurableContext) => {
      trail.push(`${name} ${durable.attempt}`);
      if (durable.attempt > 1) await door;
      if (name !== 'good') throw new Error(`no ${name}`);
    };
    const service = works(handle, { concurrency: 20 });
    const host = await start(service);
    const { streams } = planStreams([service]);
    const retries = streams.find(({ subjects }) => subjects[0]?.startsWith('_RETRY.'))?.name as string;
    const admin = await administrator(server.url);
    const stream = toName(retries, namespace);
    const { config } = await admin.call(`STREAM.INFO.${stream}`);
    await admin.call(`STREAM.UPDATE.${stream}`, { ...config, max_msgs: 2 });
    await admin.close();
    for (const name of [...names, 'good']) await publish(name);
    const isFull = () => host.health().problems.some(({ reason }) => reason === 'TERABUS_STREAM_FULL');
    await eventually(async () => {
      expect([isFull(), trail.includes('good 1')]).to.deep.equal([true, true]);
      expect(trail.filter((line) => line.endsWith(' 2'))).to.have.lengthOf(10);
      expect((await transport.streams.streamState(retries)).messages).to.equal(2);
    });
    open();
    await done(service);
    for (const name of names) {
      expect(trail.filter((line) => line.startsWith(name))).to.deep.equal([1, 2, 3].map((n) => `${name} ${n}`));
    }
    const letters = await dead(host, service);
    expect(letters.map(({ reason, tries }) => [reason, tries])).to.deep.equal(
      Array(10).fill(['TERABUS_HANDLER_FAILED', 3]),
    );
    expect(isFull()).to.equal(false);
  });

  it('goes to one of two instances that share a group', async () => {
    const names = Array.from({ length: 400 }, (_, n) => `${n}`);
    const seen = [new Set<string>(), new Set<string>()];
    const services = seen.map((mine) =>
      works(
        (name) => {
          trail.push(name);
          mine.add(name);
          return new Promise((resolve) => setImmediate(resolve));
        },
        { maxUnsettled: 4 },
      ),
    );
    for (const service of services) await start(service);
    await Promise.all(names.map((name) => publish(name)));
    await done(services[0] as ServiceClass);
    expect(trail.toSorted()).to.deep.equal(names.toSorted());
    expect(seen.map(({ size }) => size > 0)).to.deep.equal([true, true]);
  });
});

describe('a service that can give up nothing', () => {
  const store = { maxDeadLetters: 20 };
  let handled: string[];
  let deadLetters: FailingDeadLetters;
  let host: Host;
  const service = works((name) => {
    if (name.startsWith('bad')) throw new Error(`no ${name}`);
    handled.push(name);
  });
  const plan = planStreams([service], store);
  beforeEach(async () => {
    handled = [];
    deadLetters = await FailingDeadLetters.start(plan);
    const transport = await connectNats({ ...WORKER, servers: deadLetters.server.url });
    host = await startHost({ transport, services: [service], store, logLevel: 'silent' });
  });
  afterEach(async () => {
    await host.stop();
    await deadLetters.stop();
  });

  const faults: Record<string, { begin: () => Promise<void>; end: () => Promise<void>; reason: string }> = {
    full: { begin: () => deadLetters.fill(), end: () => deadLetters.empty(), reason: 'TERABUS_STREAM_FULL' },
    forbidden: { begin: () => deadLetters.forbid(), end: () => deadLetters.allow(), reason: 'TERABUS_NATS_FORBIDDEN' },
  };
  for (const [fault, { begin, end, reason }] of Object.entries(faults)) {
    it(`since its dead letters are ${fault} keeps them, says so, handles the others, and goes on by itself`, async () => {
      await begin();
      const bus = openBus({ transport: deadLetters.admin, source: 'service.Test' });
      for (const name of ['bad 1', 'good 1', 'bad 2', 'good 2']) await bus.publish(jobs, job(name));
      await eventually(() => {
        const { ready, problems } = host.health();
        expect({ ready, handled, reasons: [...new Set(problems.map((problem) => problem.reason))] }).to.deep.equal({
          ready: false,
          handled: ['good 1', 'good 2'],
          reasons: [reason],
        });
      });
      const kept = (await host.deadLetters(service).list()).letters.filter(({ group }) => group === 'jobs');
      expect([kept, await unfinished(deadLetters.admin, plan)]).to.deep.equal([[], 2]);
      await end();
      await eventually(async () => {
        expect(await unfinished(deadLetters.admin, plan)).to.equal(0);
        expect(host.health()).to.deep.include({ ready: true, problems: [] });
      });
      const { letters } = await host.deadLetters(service).list();
      expect(letters.map(({ reason, tries }) => [reason, tries])).to.deep.equal(
        Array(2).fill(['TERABUS_HANDLER_FAILED', 3]),
      );
    });
  }
});
