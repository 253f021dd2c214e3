import type { ServiceClass } from '@terabus/core';
import { defineService, defineTopic, from, OnPayload, Rpc, rpc, Service, startHost, TeraService } from '@terabus/core';
import { BusError } from '@terabus/core/transport';
import { connectNats, type NatsPermissions, natsPermissions } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { connect } from 'nats';
import { pino } from 'pino';
import { z } from 'zod';
import { permissionRound, problemsOf } from './permissions/round.js';
import { configurationWith, grantsOf, OPERATOR, serverWith, without } from './permissions/server.js';
import { letThrough, strangersTo, strangeSubjects } from './permissions/strangers.js';
import { examplesUnderTest, type HostUnderTest, namespaceOf, type SystemUnderTest } from './permissions/systems.js';
import { eventually } from './support/eventually.js';
import { bytes, record } from './support/recorder.js';

const logger = pino({ level: 'silent' });

describe('the permissions that are generated for a host', function () {
  // They start the examples, on machines that have other things to do.
  this.timeout(60_000);

  let systems: SystemUnderTest[];
  before(async () => {
    systems = await examplesUnderTest();
  });
  const system = (name: string) => systems.find((each) => each.name === name) as SystemUnderTest;

  for (const name of ['01-events', '02-rpc', '04-own-messages', '05-durable', 'telerehab']) {
    it(`are all that ${name} needs, and all that its services declare`, async () => {
      expect(await problemsOf(system(name))).to.deep.equal([]);
    });
  }

  it('are all that 03-module-messages needs, and hold nothing that it could do without', async () => {
    const { findings, problems } = await permissionRound([system('03-module-messages')]);
    expect(problems).to.deep.equal([]);
    expect(findings).to.have.length(16);
    // The others are declared, and left out by the example's own run.
    expect(findings.filter(({ missedBy }) => missedBy === 'the services')).to.have.length(12);
    expect(findings.filter(({ grant }) => grant.includes('.instances.'))).to.have.length(6);
  });

  it('refuse 500 subjects of others to each user, to publish and to subscribe', async () => {
    const mute: HostUnderTest = {
      name: 'mute',
      declared: { speaks: [], asks: [], answers: [], hears: [], singles: [], stored: { streams: [], buckets: [] } },
      comingAndGoing: [],
      permissions: () => natsPermissions([]),
    };
    const hosts = [...systems, { name: 'none', hosts: [mute] }].flatMap(({ name, hosts: all }) =>
      all.map((host) => ({ host, user: `${name}-${host.name}`, permissions: host.permissions(namespaceOf(0)) })),
    );
    await using server = await serverWith(new Map(hosts.map(({ user, permissions }) => [user, permissions])));
    const subjects = strangeSubjects(
      hosts.map(({ permissions }) => permissions),
      700,
    );
    for (const { host, user } of hosts) {
      const strangers = strangersTo(host, namespaceOf(0), subjects);
      expect(strangers.publish, user).to.have.length.above(500);
      expect(strangers.subscribe, user).to.have.length.above(500);
      expect(await letThrough(server.port, user, strangers), user).to.deep.equal([]);
    }
    expect(await letThrough(server.port, OPERATOR.user, { publish: ['a'], subscribe: ['>', 'a q'] })).to.deep.equal([
      'Subscription >',
      'Subscription a q',
      'Publish a',
    ]);
  });

  it('are named by a start that lacks one to subscribe', async () => {
    const { Service: Served, permissions, Caller, callerPermissions } = heartyHost();
    const missing = [
      ...grantsOf(permissions).map((taken) => ({ name: 'People', Service: Served, permissions, taken })),
      ...grantsOf(callerPermissions).map((taken) => ({
        name: 'Caller',
        Service: Caller,
        permissions: callerPermissions,
        taken,
      })),
    ].filter(({ taken }) => taken.how === 'subscribe');
    expect(missing.map(({ taken }) => taken.grant.split(' ')[0])).to.deep.equal([
      ...['alarms', 'notes', 'service.People.rpc'],
      '_REPLY.caller.*.*',
    ]);
    await using server = await serverWith(
      new Map(missing.map((each, index) => [`user${index}`, without(each.permissions, each.taken)])),
    );
    for (const [index, { name, Service: Refused, taken }] of missing.entries()) {
      const login = { servers: server.url, user: `user${index}`, password: OPERATOR.password };
      const transport = await connectNats({ ...login, name: name.toLowerCase() });
      const error = await startHost({ transport, services: [Refused], logger }).catch(BusError.from);
      expect(error).to.have.property('reason', 'TERABUS_START_FAILED');
      expect((error as BusError).message)
        .to.contain(name)
        .and.contain(`"${sayable(taken.grant)}"`);
    }
  });

  it('are named by what lacks one to publish, and by the health of its host until it is granted', async () => {
    const { Service: Served, permissions, Caller, callerPermissions } = heartyHost();
    expect(callerPermissions.publish.allow).to.deep.equal(['notes', 'service.People.rpc']);
    const none = { ...callerPermissions, publish: { allow: [], deny: ['>'] } };
    const users = new Map([
      ['service', permissions],
      ['caller', none],
    ]);
    await using server = await serverWith(users);
    await using hosts = await startBoth(server.url, Served, Caller);
    const service = hosts.caller.service(Caller);
    expect(hosts.caller.health()).to.deep.include({ ready: true, problems: [] });

    const refusals = [
      await service.note('hello').catch(BusError.from),
      await service.people().echo(1).catch(BusError.from),
    ] as readonly BusError[];
    expect(refusals.map(({ reason, details }) => [reason, details])).to.deep.equal(
      callerPermissions.publish.allow.map((subject) => ['TERABUS_NATS_FORBIDDEN', { operation: 'publish', subject }]),
    );
    const { ready, problems } = hosts.caller.health();
    expect(ready).to.equal(false);
    expect(problems.map(({ message }) => message)).to.deep.equal(
      callerPermissions.publish.allow.map(
        (subject) => `the NATS server does not let this user publish to "${subject}": grant publish on it`,
      ),
    );

    await server.reload(configurationWith(users.set('caller', callerPermissions)));
    await service.note('hello');
    expect(await service.people().echo(1)).to.equal(1);
    expect(hosts.caller.health()).to.deep.include({ ready: true, problems: [] });
  });

  it('are named by the health of a host whose answers are refused, until they are granted', async () => {
    const { Service: Served, permissions, Caller, callerPermissions } = heartyHost();
    const users = new Map([
      ['service', without(permissions, { how: 'publish', grant: '_REPLY.*.*.*' })],
      ['caller', callerPermissions],
    ]);
    await using server = await serverWith(users);
    await using hosts = await startBoth(server.url, Served, Caller);
    const people = () => hosts.caller.service(Caller).people();
    // Nobody answers it in time.
    const unanswered = people().echo(1).catch(BusError.from);
    await eventually(() => void expect(hosts.service.health().ready).to.equal(false));
    expect(hosts.service.health().problems).to.deep.equal([
      {
        reason: 'TERABUS_NATS_FORBIDDEN',
        message: 'the NATS server does not let this user publish to "_REPLY.caller.>": grant publish on it',
      },
    ]);

    await server.reload(configurationWith(users.set('service', permissions)));
    expect(await people().echo(2)).to.equal(2);
    await eventually(() => void expect(hosts.service.health()).to.deep.include({ ready: true, problems: [] }));
    await hosts.caller.stop();
    expect(await unanswered).to.be.instanceOf(BusError);
  });

  it('keep 10,000 answers from a user who listens to all inboxes', async () => {
    const { Service: Served, permissions, contract, Caller, callerPermissions } = heartyHost();
    const snooper = { publish: { allow: [], deny: ['>'] }, subscribe: { allow: ['_INBOX.>'] } };
    await using server = await serverWith(
      new Map([
        ['service', permissions],
        ['caller', callerPermissions],
        ['snooper', snooper],
      ]),
    );
    const snoop = await connect({ servers: server.url, user: 'snooper', pass: OPERATOR.password });
    let snooped = 0;
    snoop.subscribe('_INBOX.>', {
      callback: () => {
        snooped += 1;
      },
    });
    await snoop.flush();
    await using hosts = await startBoth(server.url, Served, Caller);
    try {
      const { echo } = hosts.caller.service(Caller).people();
      let answers = 0;
      for (let i = 0; i < 10_000; i += 500) {
        const batch = await Promise.all(Array.from({ length: 500 }, (_, j) => echo(i + j)));
        answers += batch.filter((answer, j) => answer === i + j).length;
      }
      expect(answers).to.equal(10_000);
      await snoop.flush();
      expect(snooped).to.equal(0);

      // It would have heard them: what a plain client is answered comes by there.
      const plain = await connect({ servers: server.url, user: OPERATOR.user, pass: OPERATOR.password });
      await plain.request(contract.rpc.echo.topic);
      await plain.close();
      await snoop.flush();
      expect(snooped).to.equal(1);
    } finally {
      await snoop.close();
    }
  });
});

/** A service that is called, shares messages and gets them all; and one that calls it. */
function heartyHost() {
  const contract = defineService('People', { rpc: { echo: rpc({ args: [z.int()], returns: z.int() }) } });
  const notes = defineTopic('notes', { wrapper: 'text' });
  const alarms = defineTopic('alarms', { wrapper: 'text' });

  @Service(contract)
  class People extends TeraService {
    @Rpc(contract.rpc.echo)
    echo(n: number) {
      return n;
    }
    @OnPayload(notes)
    onNote() {}
    @OnPayload(from(alarms, { everyInstance: true }))
    onAlarm() {}
  }

  @Service(defineService('Caller', {}), { uses: [contract, notes] })
  class Caller extends TeraService {
    people() {
      return this.client(contract);
    }
    note(text: string) {
      return this.publish(notes, text);
    }
  }
  return {
    contract,
    Service: People,
    permissions: natsPermissions([People]),
    Caller,
    callerPermissions: natsPermissions([Caller], { name: 'caller' }),
  };
}

/** Both of them, as the users `service` and `caller`. */
async function startBoth<S extends ServiceClass, C extends ServiceClass>(servers: string, Served: S, Caller: C) {
  const start = async (user: string, services: [ServiceClass]) => {
    const transport = await connectNats({ servers, user, password: OPERATOR.password, name: user });
    return startHost({ transport, services, logger, drainTimeoutMs: 1_000 });
  };
  const service = await start('service', [Served]);
  const caller = await start('caller', [Caller]);
  return {
    service,
    caller,
    async [Symbol.asyncDispose]() {
      await Promise.all([caller.stop(), service.stop()]);
    },
  };
}

/** How errors name a grant: of answers, all that go to one host. */
const sayable = (grant: string) => (grant.split(' ')[0] as string).replace(/^(_REPLY\.\w+)\..*/, '$1.>');

describe('what nats-server makes of permissions', () => {
  let server: NatsServer;
  const nobody = { publish: { allow: [], deny: ['>'] } };
  const users = {
    queue: { allow: ['a.b q'] },
    plain: { allow: ['a.b'] },
    both: { allow: ['a.b', 'a.b q'] },
    anyQueue: { allow: ['a.* *'] },
    star: { allow: ['a.*'] },
    fenced: { allow: ['a.*'], deny: ['a.*.>'] },
    shallow: { allow: ['*'] },
    shallowFenced: { allow: ['*', '*.b.c'], deny: ['*.*', '*.*.*.>'] },
    empty: { allow: [] },
    denied: { allow: [], deny: ['>'] },
    replies: { allow: ['_REPLY.x.*.*'] },
  } as const;
  before(async () => {
    const listeners = Object.entries(users).map(([user, subscribe]) => [user, { ...nobody, subscribe }] as const);
    const answers = { publish: { allow: ['_REPLY.*.*.*'] }, subscribe: users.denied };
    server = await serverWith(new Map<string, NatsPermissions>([...listeners, ['answers', answers]]));
  });
  after(() => server.stop());

  /** Which of these a user may subscribe to. */
  const allowed = async (user: keyof typeof users, ...subscribe: string[]) =>
    (await letThrough(server.port, user, { publish: [], subscribe })).map((each) => each.replace('Subscription ', ''));

  it('a subject with a queue group admits that group alone', async () => {
    expect(await allowed('queue', 'a.b', 'a.b q', 'a.b r', 'a.*', 'a.* q')).to.deep.equal(['a.b q']);
    expect(await allowed('anyQueue', 'a.b', 'a.b q', 'a.b r', 'a.* r', 'b q')).to.deep.equal([
      'a.b q',
      'a.b r',
      'a.* r',
    ]);
  });

  it('a subject without one admits every group, unless the same subject stands there with one', async () => {
    expect(await allowed('plain', 'a.b', 'a.b q', 'a.b r')).to.deep.equal(['a.b', 'a.b q', 'a.b r']);
    expect(await allowed('both', 'a.b', 'a.b q', 'a.b r')).to.deep.equal(['a.b', 'a.b q']);
  });

  it('patterns of reply subjects admit one host, and one token for each *', async () => {
    const subjects = ['_REPLY.x.1f.*', '_REPLY.x.>', '_REPLY.*.1f.*', '_REPLY.>', '_REPLY.y.1f.*', '_REPLY.x.1f.2.3'];
    expect(await allowed('replies', ...subjects)).to.deep.equal(['_REPLY.x.1f.*']);
    const publish = ['_REPLY.x.1f.2', '_REPLY.x.1f', '_REPLY.x.1f.2.3', '$JS.API.INFO'];
    const sent = await letThrough(server.port, 'answers', { publish, subscribe: [] });
    expect(sent).to.deep.equal(['Publish _REPLY.x.1f.2']);
  });

  it('an empty allow admits everything, and a deny of everything nothing', async () => {
    expect(await allowed('empty', '>', '$JS.API.>', 'a q')).to.deep.equal(['>', '$JS.API.>', 'a q']);
    expect(await allowed('denied', '>', '$JS.API.>', 'a q', 'a')).to.deep.equal([]);
  });

  it('a final * lets a final > through; a deny below it keeps what lies there away', async () => {
    const heard = async (user: string, pattern = 'a.>') => {
      const listener = await connectNats({ servers: server.url, user, password: OPERATOR.password });
      const speaker = await connectNats({ servers: server.url, ...OPERATOR });
      const messages = await record(listener, { pattern });
      for (const topic of ['a.b', 'a.b.c', 'a', 'b.b.c.d']) await speaker.publish({ topic, bytes: bytes('') });
      await speaker.flush();
      const topics = (await messages.stop()).map(({ topic }) => topic);
      await Promise.all([listener.close(), speaker.close()] satisfies Promise<void>[]);
      return topics;
    };
    expect(await heard('star')).to.deep.equal(['a.b', 'a.b.c']);
    expect(await heard('fenced')).to.deep.equal(['a.b']);
    expect(await heard('shallow', '>')).to.deep.equal(['a.b', 'a.b.c', 'a', 'b.b.c.d']);
    expect(await heard('shallowFenced', '>')).to.deep.equal(['a.b.c', 'a']);
  });
});
