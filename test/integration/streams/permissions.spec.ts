import type { Message, MessageType } from '@terabus/core';
import { contractOf, defineModule, from, OnEvent, OnMessage, planStreams, Service, TeraService } from '@terabus/core';
import type { StorePlan, Transport } from '@terabus/core/transport';
import { toName } from '@terabus/core/transport';
import {
  compareStore,
  connectNats,
  type NatsPermissions,
  natsPermissions,
  provision,
  provisionPermissions,
} from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { connect } from 'nats';
import { configurationWith, type Grant, grantsOf, OPERATOR, refusedTo, without } from '../permissions/server.js';
import { eventually } from '../support/eventually.js';
import { bytes } from '../support/recorder.js';
import { administrator } from './admin.js';
import { reasonOf } from './consumed.js';

/** Permissions ask nothing of a type but its name. */
const DeviceEvent = { $type: 'test.DeviceEvent' } as unknown as MessageType<Message>;

const Ward = defineModule('Clinic.Ward', {
  instances: 'many',
  events: { types: [DeviceEvent], durable: true },
  messages: { types: [DeviceEvent], tracked: false, durable: true },
});
const State = defineModule('Clinic.State', {
  instances: 'many',
  events: { types: [DeviceEvent], suffix: '{room}', durable: { lastValue: true } },
});

@Service(State)
class StateService extends TeraService {}

@Service(Ward, { uses: [State.events] })
class WardService extends TeraService {
  @OnMessage(Ward.messages, DeviceEvent)
  onDevice() {}
  @OnEvent(from(State.events.all, { everyInstance: true }), DeviceEvent)
  onState() {}
}

const namespace = 'prod';
const EVENTS = 'module.Clinic.Ward.events';
const MAILBOX = 'module.Clinic.Ward.messages';
const [GROUP = ''] = contractOf(WardService).groups.map(({ pattern }) => `module.Clinic.Ward ${pattern}`);

describe('permissions of durable topics', () => {
  const plan: StorePlan = planStreams([WardService, StateService]);
  const own = planStreams([WardService]);
  const service = natsPermissions([WardService], { name: 'ward', namespace, deadLetters: true });
  const users = new Map<string, NatsPermissions>([
    ['ward', service],
    ['provisioner', provisionPermissions(plan, { name: 'provisioner', namespace })],
  ]);
  let server: NatsServer;
  const connections: Transport[] = [];
  const as = (user: string, name = 'ward') => ({
    servers: server.url,
    namespace,
    name,
    user,
    password: OPERATOR.password,
  });

  before(async () => {
    server = await startNatsServer({ jetstream: true, configuration: configurationWith(users) });
  });
  after(() => server.stop());
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close();
  });

  it('give nothing but what is needed, and nothing that makes streams', () => {
    const name = (text: string) => toName(text, namespace);
    const consumer = `${name(MAILBOX)}.${name(GROUP)}`;
    const retried = `${name('module.Clinic.Ward retries')}.${name(GROUP)}`;
    const dead = name('module.Clinic.Ward dead letters');
    const marks = name('module.Clinic.Ward marks');
    const taking = (both: string) => [
      ...[`$JS.API.CONSUMER.INFO.${both}`, `$JS.API.CONSUMER.MSG.NEXT.${both}`],
      ...[`$JS.ACK.${both}.>`, `$JS.ACK.*.*.${both}.*.*.*.*.>`],
    ];
    const { allow } = natsPermissions([WardService], { name: 'ward', namespace }).publish;
    expect(allow).to.have.members([
      '@prod.module.Clinic.Ward.events',
      '@prod.module.Clinic.State.events.*',
      ...[EVENTS, MAILBOX, 'module.Clinic.State.events.{room}', 'module.Clinic.Ward retries'].map(
        (stream) => `$JS.API.STREAM.INFO.${name(stream)}`,
      ),
      ...[`$JS.API.STREAM.MSG.GET.${name('module.Clinic.State.events.{room}')}`],
      ...taking(consumer),
      ...taking(retried),
      ...[
        `@prod._RETRY.${toName('module.Clinic.Ward')}.${toName(GROUP)}`,
        `@prod._DEAD.${toName('module.Clinic.Ward')}.*`,
      ],
      `$JS.API.STREAM.INFO.${dead}`,
      ...[`$JS.API.STREAM.INFO.KV_${marks}`, `$JS.API.STREAM.MSG.GET.KV_${marks}`, `$KV.${marks}.>`],
    ]);
    expect(natsPermissions([WardService], { name: 'ward', namespace }).subscribe.allow).to.deep.equal([
      '@prod._LIVE.module.Clinic.State.events.*',
      '@prod._REPLY.ward.*.*',
    ]);
    const more = service.publish.allow.filter((grant) => !allow.includes(grant));
    expect(more).to.have.members(['MSG.GET', 'MSG.DELETE', 'PURGE'].map((what) => `$JS.API.STREAM.${what}.${dead}`));
  });

  it('let the provisioner make and compare all of it, and nothing else', async () => {
    expect((await provision(plan, as('provisioner', 'provisioner'))).left).to.deep.equal([]);
    expect(await compareStore(plan, as('provisioner', 'provisioner'))).to.deep.equal([]);
    const other = planStreams([StateService], { replicas: 1 }).streams.map((stream) => ({ ...stream, name: 'other' }));
    expect(await reasonOf(provision({ streams: other, buckets: [] }, as('provisioner', 'provisioner')))).to.equal(
      'TERABUS_NATS_FORBIDDEN',
    );
  });

  /** Does all that a service does; rejects where something is refused. */
  async function work(user: string): Promise<void> {
    const transport = await connectNats(as(user));
    connections.push(transport);
    const { streams } = transport;
    const id = `${Math.random()}`;
    const store = (subject: string, stream: string) =>
      streams.store({ subject, bytes: bytes('x'), stream, messageId: `${id} ${subject}` }, 3_000);
    const expectation = await streams.expect(own);
    expect(expectation.differences).to.deep.equal([]);
    await store(EVENTS, EVENTS);
    await store('module.Clinic.State.events.a', 'module.Clinic.State.events.{room}');
    const { subscribed, taken } = await takeAll(transport);
    const marks = transport.keyValue('module.Clinic.Ward marks');
    await marks.put(id, bytes('x'));
    expect(await marks.get(id)).to.not.equal(undefined);
    await marks.keys();
    await store(`_RETRY.${toName('module.Clinic.Ward')}.${toName(GROUP)}`, 'module.Clinic.Ward retries');
    await store(`_DEAD.${toName('module.Clinic.Ward')}.${toName(GROUP)}`, 'module.Clinic.Ward dead letters');
    await eventually(() => {
      expect(taken()).to.equal(true);
    });
    const dead = await streams.read('module.Clinic.Ward dead letters', { fromSequence: 1 });
    await streams.purge('module.Clinic.Ward dead letters', { sequence: dead?.sequence ?? 0 });
    await streams.purge('module.Clinic.Ward dead letters', { filter: '>' });
    await streams.subjects('module.Clinic.State.events.{room}', '>');
    await streams.read('module.Clinic.State.events.{room}', { lastOf: 'module.Clinic.State.events.a' });
    await subscribed.drain();
    expectation.end();
    await transport.flush();
    expect(transport.health().problems).to.deep.equal([]);
  }

  async function takeAll(transport: Transport) {
    const seen = new Set<string>();
    for (const stream of [MAILBOX, 'module.Clinic.Ward retries']) {
      await transport.streams.consume(
        { stream, consumer: GROUP, maxUnsettled: 10, maxUnsettledBytes: 1e6 },
        (delivery) => {
          seen.add(stream);
          delivery.ack();
        },
      );
    }
    const subscribed = await transport.subscribe('_LIVE.module.Clinic.State.events.*', {}, () => {});
    return { subscribed, taken: () => seen.has('module.Clinic.Ward retries') };
  }

  it('are all that a service needs', async () => {
    await work('ward');
    expect(refusedTo(server, 'ward')).to.deep.equal([]);
  });

  it('are not superfluous: each grant that is taken away is missed', async () => {
    // Two are for servers that are newer than this one.
    const grants = grantsOf(service).filter(({ grant }) => !grant.startsWith('$JS.ACK.*.*.'));
    const mutants = new Map(grants.map((grant, i) => [`mutant${i}`, without(service, grant)] as const));
    await server.reload(configurationWith(new Map([...users, ...mutants])));
    const missed = async (grant: Grant, user: string) => {
      const transportErrors = await work(user).then(
        () => 'nothing was missed',
        (error: { reason?: string }) => error.reason,
      );
      expect(refusedTo(server, user).length, `${grant.how} ${grant.grant}: ${transportErrors}`).to.be.at.least(1);
    };
    for (const [i, grant] of grants.entries()) {
      await missed(grant, `mutant${i}`);
      // Else it takes what is meant for the next one.
      await connections.pop()?.close();
    }
  });

  it('let no running service make, change, copy or delete a stream or a consumer', async () => {
    const raw = await connect({
      servers: server.url,
      user: 'ward',
      pass: OPERATOR.password,
      inboxPrefix: '@prod._REPLY.ward.x',
    });
    const streamName = toName(MAILBOX, namespace);
    const consumerName = toName(GROUP, namespace);
    const operations = [
      ...['CREATE', 'UPDATE', 'DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE'].map((what) => `STREAM.${what}.${streamName}`),
      ...['MSG.DELETE', 'MSG.GET', 'LEADER.STEPDOWN', 'PEER.REMOVE'].map((what) => `STREAM.${what}.${streamName}`),
      ...['STREAM.CREATE.mine', 'STREAM.LIST', 'STREAM.NAMES', 'INFO', `CONSUMER.LIST.${streamName}`],
      ...[`CONSUMER.CREATE.${streamName}`, `CONSUMER.CREATE.${streamName}.${consumerName}`],
      ...[`CONSUMER.CREATE.${streamName}.mine.>`, `CONSUMER.DURABLE.CREATE.${streamName}.${consumerName}`],
      ...[`CONSUMER.DELETE.${streamName}.${consumerName}`, `CONSUMER.MSG.NEXT.${streamName}.mine`],
      `STREAM.PURGE.KV_${toName('module.Clinic.Ward marks', namespace)}`,
    ];
    const before = refusedTo(server, 'ward').length;
    for (const operation of operations) raw.publish(`$JS.API.${operation}`, '{}');
    raw.publish(`$JS.ACK.${streamName}.mine.1.1.1.1.1`, '+ACK');
    await raw.flush();
    await eventually(() => {
      expect(
        refusedTo(server, 'ward')
          .slice(before)
          .map(({ subject }) => subject),
      ).to.deep.equal([
        ...operations.map((operation) => `$JS.API.${operation}`),
        `$JS.ACK.${streamName}.mine.1.1.1.1.1`,
      ]);
    });
    await raw.close();
  });

  it('let no running service ask for messages of another consumer where that one is acknowledged to', async () => {
    const admin = await administrator(server.url, { user: OPERATOR.user, pass: OPERATOR.password });
    await admin.call('STREAM.CREATE.Others', { name: 'Others', subjects: ['others'], storage: 'memory' });
    const config = { durable_name: 'Theirs', ack_policy: 'explicit' };
    await admin.call('CONSUMER.DURABLE.CREATE.Others.Theirs', { stream_name: 'Others', config });
    await admin.connection.request('others', 'secret');
    const raw = await connect({ servers: server.url, user: 'ward', pass: OPERATOR.password });
    const consumer = `${toName(MAILBOX, namespace)}.${toName(GROUP, namespace)}`;
    const places = ['', '.1', '.1.1', '.1.1.1'].map((end) => `$JS.ACK.Others.Theirs.${consumer}${end}`);
    const before = refusedTo(server, 'ward').length;
    // A server hands out nothing to where nobody listens.
    raw.subscribe('@prod._REPLY.ward.x.*');
    for (const place of places) raw.publish(place, '+NXT', { reply: '@prod._REPLY.ward.x.1' });
    await raw.flush();
    await raw.close();
    const { delivered } = await admin.call('CONSUMER.INFO.Others.Theirs');
    await admin.call('STREAM.DELETE.Others');
    await admin.close();
    expect(delivered).to.include({ consumer_seq: 0 });
    await eventually(() => {
      expect(
        refusedTo(server, 'ward')
          .slice(before)
          .map(({ subject }) => subject),
      ).to.deep.equal(places);
    });
  });

  it('are missed no longer than they are missing, whatever place answers come to', async () => {
    const deaf = without(service, { how: 'subscribe', grant: '@prod._REPLY.ward.*.*' });
    const transport = await connectNats(as('ward'));
    connections.push(transport);
    const take = () =>
      transport.streams.consume({ stream: MAILBOX, consumer: GROUP, maxUnsettled: 1, maxUnsettledBytes: 1 }, () => {});
    await server.reload(configurationWith(new Map([...users, ['ward', deaf]])));
    expect(await reasonOf(take())).to.equal('TERABUS_NATS_FORBIDDEN');
    expect(transport.health().problems).to.have.length(1);
    await server.reload(configurationWith(users));
    await take();
    expect(transport.health().problems).to.deep.equal([]);
  });

  it('name the grant that is missing, at the start of what needs it', async () => {
    const consumer = `${toName(MAILBOX, namespace)}.${toName(GROUP, namespace)}`;
    const grants = [
      `$JS.API.CONSUMER.MSG.NEXT.${consumer}`,
      `$JS.ACK.${consumer}.>`,
      `$JS.API.CONSUMER.INFO.${consumer}`,
    ];
    const mutants = grants.map((grant, i) => [`poor${i}`, without(service, { how: 'publish', grant })] as const);
    await server.reload(configurationWith(new Map([...users, ...mutants])));
    for (const [i, grant] of grants.entries()) {
      const transport = await connectNats(as(`poor${i}`));
      connections.push(transport);
      const error = await transport.streams
        .consume({ stream: MAILBOX, consumer: GROUP, maxUnsettled: 1, maxUnsettledBytes: 1 }, () => {})
        .catch((thrown: { reason: string; details: object }) => thrown);
      expect(error).to.include({ reason: 'TERABUS_NATS_FORBIDDEN' });
      expect(error).to.have.property('details').include({ operation: 'publish', subject: grant });
    }
  });
});
