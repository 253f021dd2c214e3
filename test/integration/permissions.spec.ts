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
import { grantsOf, OPERATOR, serverWith, without } from './permissions/server.js';
import { letThrough, strangersTo, strangeSubjects } from './permissions/strangers.js';
import { examplesUnderTest, type HostUnderTest, namespaceOf, type SystemUnderTest } from './permissions/systems.js';
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

  for (const name of ['01-events', '02-rpc', '04-own-messages', 'telerehab']) {
    it(`are all that ${name} needs, and all that its services declare`, async () => {
      expect(await problemsOf(system(name))).to.deep.equal([]);
    });
  }

  it('are all that 03-module-messages needs, and hold nothing that it could do without', async () => {
    const { findings, problems } = await permissionRound([system('03-module-messages')]);
    expect(problems).to.deep.equal([]);
    expect(findings).to.have.length(10);
    // The others are declared, and left out by the example's own run.
    expect(findings.filter(({ missedBy }) => missedBy === 'the services')).to.have.length(4);
  });

  it('refuse 500 subjects of others to each user, to publish and to subscribe', async () => {
    const mute: HostUnderTest = {
      name: 'mute',
      declared: { speaks: [], asks: [], answers: [], hears: [] },
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
    const host = heartyHost();
    const missing = grantsOf(host.permissions).filter(({ how, grant }) => how === 'subscribe' && !/_REPLY/.test(grant));
    expect(missing).to.have.length(3);
    const users = missing.map((taken, index) => [`user${index}`, without(host.permissions, taken)] as const);
    await using server = await serverWith(new Map(users));
    for (const [index, { grant }] of missing.entries()) {
      const transport = await connectNats({ servers: server.url, user: `user${index}`, password: OPERATOR.password });
      const error = await startHost({ transport, services: [host.Service], logger }).catch((reason) => reason);
      expect(error).to.be.instanceOf(BusError).and.have.property('reason', 'TERABUS_START_FAILED');
      expect((error as Error).message)
        .to.contain('People')
        .and.contain(`"${grant.split(' ')[0]}"`);
    }
  });

  it('are named where one to publish is missing', async () => {
    const { Caller, callerPermissions } = heartyHost();
    expect(callerPermissions.publish.allow).to.deep.equal(['notes', 'service.People.rpc']);
    const none = { ...callerPermissions, publish: { allow: [], deny: ['>'] } };
    await using server = await serverWith(new Map([['caller', none]]));
    // Whoever published or called may be told by its own error; the connection's listener is told in any case.
    const said: BusError[] = [];
    const transport = await connectNats({
      servers: server.url,
      user: 'caller',
      password: OPERATOR.password,
      name: 'caller',
    });
    transport.watch((event) => {
      if (event.kind === 'problem' || event.kind === 'error') said.push(event.error);
    });
    const host = await startHost({ transport, services: [Caller], logger });
    const keep = (error: unknown) => void said.push(BusError.from(error));
    try {
      await host.service(Caller).note('hello').catch(keep);
      await host.service(Caller).people().echo(1, { timeoutMs: 500 }).catch(keep);
      await transport.flush();
      for (const subject of callerPermissions.publish.allow) {
        const naming = said.filter(
          ({ reason, message }) => reason === 'TERABUS_NATS_FORBIDDEN' && message.includes(subject),
        );
        expect(naming, subject).to.have.length.above(0);
      }
    } finally {
      await host.stop();
    }
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
    const as = (user: string) => ({ servers: server.url, user, password: OPERATOR.password });
    const snoop = await connect({ servers: server.url, user: 'snooper', pass: OPERATOR.password });
    let snooped = 0;
    snoop.subscribe('_INBOX.>', {
      callback: () => {
        snooped += 1;
      },
    });
    await snoop.flush();
    const service = await startHost({ transport: await connectNats(as('service')), services: [Served], logger });
    const caller = await startHost({
      transport: await connectNats({ ...as('caller'), name: 'caller' }),
      services: [Caller],
      logger,
    });
    try {
      const { echo } = caller.service(Caller).people();
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
      await Promise.all([caller.stop(), service.stop(), snoop.close()]);
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
    const heard = async (user: string) => {
      const listener = await connectNats({ servers: server.url, user, password: OPERATOR.password });
      const speaker = await connectNats({ servers: server.url, ...OPERATOR });
      const messages = await record(listener, { pattern: 'a.>' });
      for (const topic of ['a.b', 'a.b.c']) await speaker.publish({ topic, bytes: bytes('') });
      await speaker.flush();
      const topics = (await messages.stop()).map(({ topic }) => topic);
      await Promise.all([listener.close(), speaker.close()] satisfies Promise<void>[]);
      return topics;
    };
    expect(await heard('star')).to.deep.equal(['a.b', 'a.b.c']);
    expect(await heard('fenced')).to.deep.equal(['a.b']);
  });
});
