import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  BusError,
  defineService,
  defineTopic,
  type Host,
  OnEvent,
  OnPayload,
  openBus,
  planStreams,
  Service,
  type ServiceClass,
  startHost,
  TeraService,
} from '@terabus/core';
import { toName } from '@terabus/core/transport';
import { DeviceEvent, UserEvent } from '@terabus/messages';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { administrator } from '../streams/admin.js';
import { eventually } from '../support/eventually.js';

const notes = defineTopic('ward.notes', { wrapper: 'text', durable: { maxMessages: 3 } });
const user = UserEvent.create({ userFullname: 'Ana' });
const device = DeviceEvent.create({ deviceName: 'lamp' });

@Service(defineService('Ward.Desk', {}), { uses: [notes] })
class DeskService extends TeraService {
  readonly note = (text: string, timeoutMs?: number) => this.publish(notes, text, { timeoutMs });
}

@Service(defineService('Ward.Reader', {}), { uses: [notes] })
class ReaderService extends TeraService {
  readonly seen: string[] = [];

  @OnPayload(notes)
  onNote(text: string) {
    this.seen.push(text);
  }
}

describe('what is stored', () => {
  let server: NatsServer;
  let cases = 0;
  const hosts: Host[] = [];
  const options = () => ({ servers: server.url, namespace: `case${cases}` });
  const start = async (service: ServiceClass, at = options()) => {
    const transport = await connectNats(at);
    const host = await startHost({ transport, services: [service], logLevel: 'silent' });
    hosts.push(host);
    return host;
  };
  const refusalOf = (starting: Promise<unknown>): Promise<BusError> =>
    starting.then(
      () => expect.fail('it was not refused'),
      (error: unknown) => BusError.from(error),
    );

  before(async () => {
    server = await startNatsServer({ jetstream: true });
  });
  after(() => server.stop());
  beforeEach(() => {
    cases += 1;
  });
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
  });

  it('in a stream that is full is refused to its publisher at once, and taken again when there is room', async () => {
    await provision(planStreams([DeskService]), options());
    const desk = (await start(DeskService)).service(DeskService);
    for (const text of ['1', '2', '3']) await desk.note(text);
    const error = await refusalOf(desk.note('4'));
    expect(error.reason).to.equal('TERABUS_STREAM_FULL');
    expect(error.message).to.contain("'ward.notes'");
    const admin = await administrator(server.url);
    await admin.call(`STREAM.PURGE.${toName('ward.notes', options().namespace)}`, { keep: 2 });
    await admin.close();
    expect(await desk.note('4')).to.include({ sequence: 4, duplicate: false });
  });

  it('in files that a server has lost is missed by those who use it, and made anew by nobody but provision', async () => {
    await using own = await startNatsServer({ jetstream: true });
    const at = { servers: own.url, namespace: 'lost' };
    const plan = planStreams([ReaderService, DeskService]);
    await provision(plan, at);
    const [reader, desk] = [await start(ReaderService, at), await start(DeskService, at)];
    await own.kill();
    rmSync(join(own.directory, 'jetstream'), { recursive: true });
    await own.restart();
    await eventually(() => {
      for (const host of [reader, desk]) {
        const { ready, problems } = host.health();
        expect(ready).to.equal(false);
        expect(problems.map(({ reason }) => reason)).to.include('TERABUS_STREAM_MISSING');
      }
    });
    expect((await refusalOf(desk.service(DeskService).note('1', 300))).reason).to.equal('TERABUS_STREAM_UNAVAILABLE');
    const admin = await administrator(own.url);
    expect(await admin.call('STREAM.NAMES')).to.include({ total: 0 });
    await admin.close();
    await provision(plan, at);
    await eventually(() => {
      for (const host of [reader, desk]) expect(host.health().ready).to.equal(true);
    });
    await desk.service(DeskService).note('2');
    await eventually(() => {
      expect(reader.service(ReaderService).seen).to.deep.equal(['2']);
    });
  });

  describe('on a server without JetStream', () => {
    it('ends the start of who handles or publishes it, with a sentence', async () => {
      await using plain = await startNatsServer();
      const at = { servers: plain.url, namespace: 'plain' };
      const errors = await Promise.all([ReaderService, DeskService].map((service) => refusalOf(start(service, at))));
      for (const error of errors) {
        expect(error).to.include({ reason: 'TERABUS_START_FAILED', code: 'UNAVAILABLE' });
        expect(error.message).to.contain('nobody answers for JetStream: it is not switched on at this server');
      }
    });

    it('is rejected at the deadline of its publisher, who may try again', async () => {
      await using plain = await startNatsServer();
      const transport = await connectNats({ servers: plain.url });
      const bus = openBus({ transport, source: 'service.Import' });
      const error = await refusalOf(bus.publish(notes, 'x', { timeoutMs: 200 }));
      expect(error).to.include({ reason: 'TERABUS_STREAM_UNAVAILABLE', retryable: true });
      await transport.close();
    });
  });

  describe('otherwise than the contract says', () => {
    it('refuses the start, with each field, what is wanted and what was found', async () => {
      const plan = planStreams([ReaderService]);
      await provision(plan, options());
      const admin = await administrator(server.url);
      const stream = toName('ward.notes', options().namespace);
      const { config } = await admin.call(`STREAM.INFO.${stream}`);
      await admin.call(`STREAM.UPDATE.${stream}`, { ...(config as object), max_msgs: 9 });
      const reader = plan.streams[0]?.consumers[0]?.name as string;
      const consumer = toName(reader, options().namespace);
      const found = await admin.call(`CONSUMER.INFO.${stream}.${consumer}`);
      await admin.call(`CONSUMER.DURABLE.CREATE.${stream}.${consumer}`, {
        stream_name: stream,
        config: { ...(found['config'] as object), ack_wait: 60e9 },
      });
      const error = await refusalOf(start(ReaderService));
      expect(error.reason).to.equal('TERABUS_STORE_DRIFT');
      expect(error.message).to.contain("maxMessages of stream 'ward.notes' should be 3 and is 9");
      expect(error.message).to.contain(
        `ackWaitMs of consumer '${reader}' of stream 'ward.notes' should be 10000 and is 60000`,
      );
      const publisher = await refusalOf(start(DeskService));
      expect(publisher.message).to.contain("maxMessages of stream 'ward.notes' should be 3 and is 9");
      await admin.close();
    });

    it('refuses the start where it was not provisioned: of who handles it, and of who publishes it', async () => {
      for (const service of [ReaderService, DeskService]) {
        const error = await refusalOf(start(service));
        expect(error.reason).to.equal('TERABUS_STORE_DRIFT');
        expect(error.message).to.contain("stream 'ward.notes' is missing");
      }
    });
  });

  describe('under contracts of two versions', () => {
    const older = defineTopic('ward.visits', { wrapper: 'event', types: [UserEvent], durable: true });
    const newer = defineTopic('ward.visits', { wrapper: 'event', types: [UserEvent, DeviceEvent], durable: true });

    @Service(defineService('Ward.Old', {}), { uses: [older] })
    class OldService extends TeraService {
      readonly seen: string[] = [];
      readonly visit = () => this.publish(older, user);

      @OnEvent(older, UserEvent)
      onUser({ userFullname }: UserEvent) {
        this.seen.push(userFullname);
      }
    }

    @Service(defineService('Ward.New', {}), { uses: [newer] })
    class NewService extends TeraService {
      readonly seen: string[] = [];
      readonly visit = () => this.publishAll(newer, [device, user]);

      @OnEvent(newer, UserEvent)
      onUser({ userFullname }: UserEvent) {
        this.seen.push(userFullname);
      }

      @OnEvent(newer, DeviceEvent)
      onDevice({ deviceName }: DeviceEvent) {
        this.seen.push(deviceName);
      }
    }

    const unstored = defineTopic('ward.visits', { wrapper: 'event', types: [UserEvent] });

    /** From the time when it was not stored. */
    @Service(defineService('Ward.Oldest', {}), { uses: [unstored] })
    class OldestService extends TeraService {
      readonly seen: string[] = [];
      readonly visit = () => this.publish(unstored, user);

      @OnEvent(unstored, UserEvent)
      onUser({ userFullname }: UserEvent) {
        this.seen.push(userFullname);
      }
    }

    const bothStarted = async () => {
      await provision(planStreams([OldService]), options());
      await provision(planStreams([NewService]), options());
      return { old: await start(OldService), fresh: await start(NewService) };
    };
    const backlogs = (host: Host) =>
      host.health().services.flatMap(({ groups }) => groups.flatMap(({ stored }) => stored ?? []));

    it('is handled as far as an older handler knows it, and the rest is counted and done with', async () => {
      const { old, fresh } = await bothStarted();
      await fresh.service(NewService).visit();
      await eventually(() => {
        expect(old.service(OldService).seen).to.deep.equal(['Ana']);
        expect(old.counters).to.include({ unhandled: 1, deadLettered: 0, retried: 0 });
        expect(backlogs(old)).to.deep.equal([{ unsettled: 0, backlog: 0 }]);
      });
      expect(fresh.service(NewService).seen).to.deep.equal(['lamp', 'Ana']);
      expect(fresh.counters).to.include({ unhandled: 0 });
    });

    it('by an older publisher is handled by a newer handler', async () => {
      const { old, fresh } = await bothStarted();
      await old.service(OldService).visit();
      await eventually(() => {
        expect(fresh.service(NewService).seen).to.deep.equal(['Ana']);
        expect(old.service(OldService).seen).to.deep.equal(['Ana']);
      });
      expect(fresh.counters).to.include({ unhandled: 0, deadLettered: 0 });
    });

    it('is stored and handled where its publisher does not know that it is durable, and heard by such a reader', async () => {
      const { old, fresh } = await bothStarted();
      const oldest = await start(OldestService);
      await oldest.service(OldestService).visit();
      await fresh.service(NewService).visit();
      await eventually(() => {
        expect(old.service(OldService).seen).to.deep.equal(['Ana', 'Ana']);
        expect(fresh.service(NewService).seen).to.deep.equal(['Ana', 'lamp', 'Ana']);
        expect(oldest.service(OldestService).seen).to.deep.equal(['Ana', 'Ana']);
      });
    });
  });
});
