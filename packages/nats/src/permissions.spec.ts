import type { Message, MessageType } from '@terabus/core';
import {
  contractOf,
  defineModule,
  defineService,
  defineTopic,
  from,
  OnEvent,
  OnMessage,
  OnPayload,
  Rpc,
  rpc,
  Service,
  TeraService,
} from '@terabus/core';
import { toName } from '@terabus/core/transport';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { natsPermissions } from './permissions.js';

/** Permissions ask nothing of a type but its name. */
const typeCalled = (name: string) => ({ $type: name }) as unknown as MessageType<Message>;
const DeviceEvent = typeCalled('test.DeviceEvent');
const UserEvent = typeCalled('test.UserEvent');

const nothing = { allow: [], deny: ['>'] };
const method = rpc({ args: [], returns: z.null() });

const Ward = defineModule('Clinic.Ward', {
  events: { types: [DeviceEvent], suffix: '{room}' },
  messages: { types: [DeviceEvent] },
  rpc: { ask: method, tell: method },
});
const Silent = defineService('Silent', {});
const news = defineTopic('news.{kind}', { wrapper: 'text' });
const paper = defineTopic('news.paper', { wrapper: 'text' });

@Service(Silent)
class SilentService extends TeraService {}

describe('natsPermissions', () => {
  it('denies everything to who does nothing: an empty allow would allow everything', () => {
    expect(natsPermissions([SilentService])).to.deep.equal({ publish: nothing, subscribe: nothing });
    expect(natsPermissions([])).to.deep.equal({ publish: nothing, subscribe: nothing });
  });

  it('gives a service what its contract offers', () => {
    @Service(Ward)
    class WardService extends TeraService {
      @OnMessage(Ward.messages, DeviceEvent)
      onDevice() {}
      @Rpc(Ward.rpc.ask)
      ask() {
        return null;
      }
      @Rpc(Ward.rpc.tell)
      tell() {
        return null;
      }
    }
    const inbox = 'module.Clinic.Ward.messages';
    const instances = ['claim', 'news', 'standby'].map((topic) => `module.Clinic.Ward.instances.${topic}`);
    const [claim = '', talk = '', standby = ''] = instances;
    const expected = {
      publish: { allow: ['_INBOX.>', '_REPLY.*.*.*', 'module.Clinic.Ward.events.*', ...instances] },
      subscribe: {
        allow: [
          '_REPLY.own.*.*',
          ...[claim, talk, `${standby} ${toName(standby)}`],
          `${inbox} ${toName(`module.Clinic.Ward ${inbox}`)}`,
          `${inbox}.heartbeat ${toName(`module.Clinic.Ward ${inbox}.heartbeat`)}`,
          `module.Clinic.Ward.rpc ${toName('module.Clinic.Ward module.Clinic.Ward.rpc')}`,
        ],
        deny: ['_REPLY.own.*.*.>'],
      },
    };
    expect(natsPermissions([WardService], { name: 'own' })).to.deep.equal(expected);
    expect(natsPermissions([contractOf(WardService)], { name: 'own' }), 'its plan').to.deep.equal(expected);

    const publish = (options: object) => natsPermissions([WardService], { name: 'own', ...options }).publish.allow;
    expect(publish({ replyTo: { inbox: false } })).to.deep.equal([
      ...['_REPLY.*.*.*', 'module.Clinic.Ward.events.*'],
      ...instances,
    ]);
    expect(publish({ replyTo: { crossAccount: true } }))
      .to.include('_R_.>')
      .and.include('_INBOX.>');
    expect(publish({ answerRedisClients: true, namespace: 'n' })).to.include('@n.RedisRPCClient.*');
  });

  it('asks for a name where answers come to: those who shared a default could hear each other’s', () => {
    @Service(Silent, { uses: [Ward] })
    class Asking extends TeraService {
      work() {}
    }
    for (const options of [undefined, {}, { namespace: 'prod' }]) {
      expect(() => natsPermissions([SilentService, Asking], options))
        .to.throw('natsPermissions needs the option name for SilentService, Asking: that of its connection')
        .with.property('reason', 'TERABUS_OPTIONS_INVALID');
    }
    const hearing = ['one', 'two'].map((name) => natsPermissions([Asking], { name }).subscribe.allow);
    expect(hearing).to.deep.equal([['_REPLY.one.*.*'], ['_REPLY.two.*.*']]);
  });

  it('gives a service what it uses: mailbox and calls of a contract, topics, single methods', () => {
    @Service(Silent, { uses: [Ward, news] })
    class All extends TeraService {
      work() {}
    }
    expect(natsPermissions([All], { name: 'the gate' })).to.deep.equal({
      publish: {
        allow: [
          'module.Clinic.Ward.messages',
          'module.Clinic.Ward.messages.heartbeat',
          'module.Clinic.Ward.rpc',
          'news.*',
        ],
      },
      subscribe: { allow: ['_REPLY.the_20gate.*.*'], deny: ['_REPLY.the_20gate.*.*.>'] },
    });

    @Service(Silent, { uses: [Ward.rpc.ask, paper] })
    class Some extends TeraService {
      work() {}
    }
    expect(natsPermissions([Some], { name: 'some' }).publish.allow).to.deep.equal([
      'module.Clinic.Ward.rpc',
      'news.paper',
    ]);
  });

  it('needs no answers where nobody is called', () => {
    const Mute = defineModule('Mute', { messages: { types: [UserEvent], tracked: false } });
    @Service(Silent, { uses: [Mute, Ward.events, Ward.messages] })
    class Teller extends TeraService {
      work() {}
    }
    expect(natsPermissions([Teller])).to.deep.equal({
      publish: {
        allow: [
          'module.Clinic.Ward.events.*',
          'module.Clinic.Ward.messages',
          'module.Clinic.Ward.messages.heartbeat',
          'module.Mute.messages',
        ],
      },
      subscribe: nothing,
    });
  });

  it('grants no heartbeats of what is stored: it is not lost on its way', () => {
    const Stored = defineModule('Stored', { messages: { types: [UserEvent], durable: true } });
    @Service(Silent, { uses: [Stored.messages] })
    class Sender extends TeraService {
      work() {}
    }
    expect(natsPermissions([Sender], { name: 'sender' }).publish.allow).to.deep.equal(['module.Stored.messages']);
  });

  it('lets the instances of a service talk to each other, and answer, where one of them is active', () => {
    @Service(defineService('Single', { instances: 'one' }))
    class Single extends TeraService {}
    const topics = ['claim', 'news', 'standby'].map((topic) => `@prod.service.Single.instances.${topic}`);
    const [claim, talk, standby] = topics;
    expect(natsPermissions([Single], { namespace: 'prod', name: 'single' })).to.deep.equal({
      // No inboxes of others: only instances ask.
      publish: { allow: ['@prod._REPLY.*.*.*', ...topics] },
      subscribe: {
        allow: [
          '@prod._REPLY.single.*.*',
          ...[claim, talk, `${standby} ${toName('service.Single.instances.standby', 'prod')}`],
        ],
        deny: ['@prod._REPLY.single.*.*.>'],
      },
    });
  });

  it('names the queue group that the transport names, and none where every instance listens', () => {
    @Service(Silent)
    class Reader extends TeraService {
      @OnEvent(Ward.events.all, DeviceEvent)
      onDevice() {}
      @OnPayload(from(paper, { everyInstance: true }))
      onPaper() {}
    }
    const events = 'module.Clinic.Ward.events.*';
    expect(natsPermissions([Reader], { namespace: 'prod' }).subscribe).to.deep.equal({
      allow: [`@prod.${events} ${toName(`service.Silent ${events}`, 'prod')}`, '@prod.news.paper'],
      // Without it the server would let `events.>` through, too.
      deny: [`@prod.${events}.>`],
    });
  });

  it('puts everything behind the namespace, but for the inboxes of others', () => {
    @Service(Ward, { uses: [Ward] })
    class WardService extends TeraService {
      @OnMessage(Ward.messages, DeviceEvent)
      onDevice() {}
      @Rpc(Ward.rpc.ask)
      ask() {
        return null;
      }
      @Rpc(Ward.rpc.tell)
      tell() {
        return null;
      }
    }
    const { publish, subscribe } = natsPermissions([WardService], {
      name: 'own',
      namespace: 'prod',
      replyTo: { crossAccount: true },
    });
    const outside = [...publish.allow, ...subscribe.allow, ...(subscribe.deny ?? [])].filter(
      (grant) => !grant.startsWith('@prod.'),
    );
    expect(outside).to.deep.equal(['_INBOX.>', '_R_.>']);
    expect(publish.allow).to.include('@prod._REPLY.*.*.*');
    expect(subscribe.allow).to.include('@prod._REPLY.own.*.*');
  });

  it('reaches a mailbox and its methods at every alias', () => {
    const Rehab = defineService('Rehab', {
      aliases: ['0b1c'],
      messages: { types: [UserEvent] },
      rpc: { ask: method },
    });
    @Service(Rehab)
    class RehabService extends TeraService {
      @OnMessage(Rehab.messages, UserEvent)
      onUser() {}
      @Rpc(Rehab.rpc.ask)
      ask() {
        return null;
      }
    }
    expect(natsPermissions([RehabService]).subscribe.allow.map((grant) => grant.split(' ')[0])).to.deep.equal([
      'service.0b1c.messages',
      'service.0b1c.rpc',
      'service.Rehab.messages',
      'service.Rehab.rpc',
    ]);
  });

  it('gives a host what its services need together, each grant once', () => {
    @Service(Silent, { uses: [news] })
    class Editor extends TeraService {
      work() {}
    }
    @Service(defineService('Other', {}), { uses: [paper, news] })
    class Other extends TeraService {
      work() {}
    }
    expect(natsPermissions([Editor, Other]).publish).to.deep.equal({ allow: ['news.*'] });
  });

  describe('for subscriptions that come and go', () => {
    @Service(Silent, { uses: [news, Ward] })
    class Listener extends TeraService {
      work() {}
    }
    const subscribe = (...subscribes: Parameters<typeof from>[0][]) =>
      natsPermissions([Listener], { subscribes, name: 'x' }).subscribe.allow.filter((grant) => !grant.startsWith('_'));
    const grant = (pattern: string) => `${pattern} ${toName(`service.Silent ${pattern}`)}`;

    it('grants nothing unless they are named', () => {
      expect(subscribe()).to.deep.equal([]);
    });

    it('grants a topic or pattern to the services that declare it, with their queue groups', () => {
      expect(subscribe(news({ kind: 'paper' }))).to.deep.equal([grant('news.paper')]);
      expect(subscribe(news.all)).to.deep.equal([grant('news.*')]);
      expect(subscribe(Ward.events({ room: '12' }))).to.deep.equal([grant('module.Clinic.Ward.events.12')]);
      expect(subscribe(from(news.all, { everyInstance: true }) as never)).to.deep.equal(['news.*']);
      expect(
        natsPermissions([Listener, SilentService], { subscribes: [news.all], name: 'own' }).subscribe.allow,
        'the other service does not declare it',
      ).to.deep.equal(['_REPLY.own.*.*', grant('news.*')]);
    });

    it('grants a family with any queue group: its members have names of their own', () => {
      expect(natsPermissions([Listener], { subscribes: [news, news.all], name: 'own' }).subscribe).to.deep.equal({
        allow: ['_REPLY.own.*.*', 'news.* *'],
        deny: ['_REPLY.own.*.*.>', 'news.*.>'],
      });
    });

    it('refuses what no service declares', () => {
      const stranger = defineTopic('stranger', { wrapper: 'text' });
      expect(() => natsPermissions([Listener], { subscribes: [stranger] }))
        .to.throw("Listener may not subscribe to 'stranger'")
        .with.property('reason', 'TERABUS_NOT_DECLARED');
    });
  });

  describe('of a final *, which lets > through', () => {
    it('denies what lies beyond one token, also where the * stands alone', () => {
      const rooms = from(defineTopic('{room}', { wrapper: 'text' }).all, { everyInstance: true });
      @Service(Silent)
      class Shallow extends TeraService {
        @OnPayload(rooms)
        onRoom() {}
      }
      expect(natsPermissions([Shallow]).subscribe).to.deep.equal({ allow: ['*'], deny: ['*.>'] });
    });

    it('denies nothing that is granted elsewhere, and all around it', () => {
      const late = from(defineTopic('news.{kind}.late.{n}', { wrapper: 'text' }).all, { everyInstance: true });
      @Service(Silent)
      class Deep extends TeraService {
        @OnPayload(from(news.all, { everyInstance: true }))
        onNews() {}
        @OnPayload(late)
        onLate() {}
      }
      expect(natsPermissions([Deep]).subscribe).to.deep.equal({
        allow: ['news.*', 'news.*.late.*'],
        deny: ['news.*.*', 'news.*.*.*.>'],
      });
    });
  });

  it('says which option is wrong', () => {
    for (const [options, sentence] of [
      [{ nmae: 'x' }, 'natsPermissions does not know the option "nmae"'],
      [{ replyTo: { inbx: true } }, 'natsPermissions does not know the option "replyTo.inbx"'],
      [{ namespace: 'a b' }, "natsPermissions can't use the option namespace: a namespace is"],
      [{ subscribes: [Ward] }, "natsPermissions can't use the option subscribes.0: takes topics, patterns"],
    ] as const) {
      expect(() => natsPermissions([SilentService], options as object))
        .to.throw(sentence)
        .with.property('reason', 'TERABUS_OPTIONS_INVALID');
    }
  });
});
