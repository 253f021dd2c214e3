import { DeviceEvent, ParticipantEvent, SessionEvent, StopSessionEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import type { Next, ServiceClass } from '../index.js';
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
  startHost,
  TeraService,
  Use,
  uuid,
} from '../index.js';
import { rejection, Stage, thrown } from '../service/stage.spec.js';

const Registry = defineModule('Test.Registry', {
  events: { types: [UserEvent, DeviceEvent] },
  messages: { types: [DeviceEvent, SessionEvent] },
  rpc: { ping: rpc({ args: [], returns: z.string() }) },
});
const Quiet = defineService('Quiet', {});
const people = defineTopic('websocket.user.{uuid}.events', { wrapper: 'event', types: [UserEvent] });
const room = defineTopic('room', { wrapper: 'text' });

/** For what the compiler refuses. */
const loose = (value: unknown): never => value as never;

describe('contractOf', () => {
  const sentence = (serviceClass: ServiceClass) => {
    const error = thrown(() => contractOf(serviceClass));
    expect(error.reason).to.equal('TERABUS_SERVICE_INVALID');
    return error.rawMessage;
  };

  it('says what a class serves, uses and handles', () => {
    const passing = from(people.all, { key: (event) => event.userUuid, concurrency: 4 });
    @Service(Registry, { uses: [people], rpc: { concurrency: 2 } })
    class RegistryService extends TeraService {
      @OnMessage(Registry.messages, SessionEvent)
      onSession(): void {}
      @OnMessage(Registry.messages, DeviceEvent)
      onDevice(): void {}
      @OnEvent(passing, UserEvent)
      onPerson(): void {}
      @Rpc(Registry.rpc.ping)
      ping(): string {
        return 'pong';
      }
    }
    const plan = contractOf(RegistryService);
    expect(plan.name).to.equal('RegistryService');
    expect(plan.contract).to.equal(Registry);
    expect(plan.uses).to.deep.equal([people]);
    expect(plan.rpc).to.deep.equal({
      concurrency: 2,
      timeoutMs: 30_000,
      abandonAfterMs: 30_000,
      maxQueued: 1_024,
      maxQueuedBytes: 16_777_216,
    });
    expect([...plan.methods].map(([name, { name: handler }]) => [name, handler])).to.deep.equal([
      ['ping', 'RegistryService.ping'],
    ]);
    expect(plan.groups.map(({ pattern, handlers }) => [pattern, [...handlers.keys()].length])).to.deep.equal([
      ['module.Test.Registry.messages', 5],
      ['websocket.user.*.events', 1],
    ]);
    expect(plan.groups[1]?.options).to.deep.include({ concurrency: 4 });
  });

  describe('refuses, naming class and method,', () => {
    it('two handlers for one topic and type', () => {
      @Service(Quiet)
      class Twice extends TeraService {
        @OnEvent(Registry.events, UserEvent)
        first(): void {}
        @OnEvent(Registry.events, UserEvent)
        second(): void {}
      }
      expect(sentence(Twice)).to.match(
        /^Twice\.\w+ and Twice\.\w+ both handle opentera\.protobuf\.UserEvent on 'module\.Test\.Registry\.events'/,
      );
    });
    it('two handlers for one topic and type, one of them in every instance', () => {
      @Service(Quiet)
      class TwiceApart extends TeraService {
        @OnEvent(Registry.events, UserEvent)
        first(): void {}
        @OnEvent(from(Registry.events, { everyInstance: true }), UserEvent)
        second(): void {}
      }
      expect(sentence(TwiceApart)).to.contain('both handle opentera.protobuf.UserEvent');
    });
    it('two handlers for one topic of text', () => {
      @Service(Quiet)
      class TwiceText extends TeraService {
        @OnPayload(room)
        first(): void {}
        @OnPayload(room)
        second(): void {}
      }
      expect(sentence(TwiceText)).to.contain("both handle 'room'");
    });
    it('a family and its member on one topic', () => {
      @Service(Quiet)
      class FamilyAndMember extends TeraService {
        @OnMessage(Registry.messages, SessionEvent)
        family(): void {}
        @OnMessage(Registry.messages, StopSessionEvent)
        member(): void {}
      }
      expect(sentence(FamilyAndMember)).to.contain('it is a member of the family SessionEvent');
    });
    it('a handler for a type that its topic does not carry', () => {
      @Service(Quiet)
      class NotCarried extends TeraService {
        @OnEvent(loose(Registry.events), loose(ParticipantEvent))
        onParticipant(): void {}
      }
      expect(sentence(NotCarried)).to.equal(
        "NotCarried.onParticipant handles opentera.protobuf.ParticipantEvent on 'module.Test.Registry.events', which carries opentera.protobuf.UserEvent, opentera.protobuf.DeviceEvent",
      );
    });
    it('a method of the contract that nobody answers', () => {
      @Service(Registry)
      class Mute extends TeraService {}
      expect(sentence(Mute)).to.equal(
        "Mute has no handler for module.Test.Registry.rpc 'ping': give a method @Rpc(….rpc.ping)",
      );
    });
    it('a method of the contract that is answered twice', () => {
      @Service(Registry)
      class Stereo extends TeraService {
        @Rpc(Registry.rpc.ping)
        left(): string {
          return '';
        }
        @Rpc(Registry.rpc.ping)
        right(): string {
          return '';
        }
      }
      expect(sentence(Stereo)).to.match(/^Stereo\.\w+ and Stereo\.\w+ both answer 'ping'$/);
    });
    it('a method of another contract', () => {
      @Service(Quiet)
      class Stranger extends TeraService {
        @Rpc(Registry.rpc.ping)
        ping(): string {
          return '';
        }
      }
      expect(sentence(Stranger)).to.equal(
        "Stranger.ping answers 'ping' of module.Test.Registry, but the class serves service.Quiet",
      );
    });
    it('a class without @Service, and a subclass without one of its own', () => {
      class Bare extends TeraService {}
      @Service(Quiet)
      class Base extends TeraService {}
      class Derived extends Base {}
      expect(sentence(Bare)).to.contain('Bare has no @Service');
      expect(sentence(Derived)).to.contain('Derived has no @Service');
    });
    it('@Service without a contract, as an import that goes in a circle leaves it', () => {
      @Service(loose(undefined))
      class Circular extends TeraService {}
      expect(sentence(Circular)).to.contain('Circular has @Service without a contract: it was undefined');
    });
    it('an unknown or impossible option of @Service', () => {
      @Service(Quiet, loose({ using: [], rpc: { concurrency: 0 } }))
      class Options extends TeraService {}
      expect(sentence(Options)).to.contain('@Service of Options').and.contain("unknown option 'using'");
      expect(sentence(Options)).to.contain("option 'rpc.concurrency' was 0");
    });
    it('uses that cannot be used', () => {
      @Service(Quiet, loose({ uses: [people.all] }))
      class UsesPattern extends TeraService {}
      expect(sentence(UsesPattern)).to.contain('uses takes contracts, topics, families and methods');
    });
    it('a tracked topic of another that many instances share, unless each of them gets all of it', () => {
      const commands = defineTopic('Test.commands', { wrapper: 'module-message', types: [UserEvent], tracked: true });
      const Many = defineService('Many', {});
      @Service(Many)
      class SharingService extends TeraService {
        @OnMessage(commands, UserEvent)
        on() {}
      }
      expect(sentence(SharingService)).to.contain("has many instances that share 'Test.commands', which is tracked");
      @Service(Many)
      class EachService extends TeraService {
        @OnMessage(from(commands, { everyInstance: true }), UserEvent)
        on() {}
      }
      expect(contractOf(EachService).groups).to.have.length(1);
    });

    it('a tracked mailbox that many instances share', () => {
      const Many = defineModule('Test.Many', { messages: { types: [UserEvent] }, instances: 'many' });
      @Service(Many)
      class ManyService extends TeraService {}
      expect(sentence(ManyService)).to.contain("whose mailbox is tracked while instances is 'many'");
    });
    it('different delivery options for one pattern', () => {
      @Service(Quiet)
      class TwoMinds extends TeraService {
        @OnEvent(from(Registry.events, { concurrency: 2 }), UserEvent)
        first(): void {}
        @OnEvent(from(Registry.events, { concurrency: 3 }), DeviceEvent)
        second(): void {}
      }
      expect(sentence(TwoMinds)).to.match(
        /^TwoMinds\.\w+ and TwoMinds\.\w+ give different delivery options for 'module\.Test\.Registry\.events'/,
      );
    });
    it('two definitions of one topic', () => {
      const copy = defineTopic('module.Test.Registry.events', { wrapper: 'event', types: [ParticipantEvent] });
      @Service(Quiet)
      class TwoDefinitions extends TeraService {
        @OnEvent(Registry.events, UserEvent)
        first(): void {}
        @OnEvent(copy, ParticipantEvent)
        second(): void {}
      }
      expect(sentence(TwoDefinitions)).to.contain('of which another method of the class has a different definition');
    });
    it('two classes of a host with one contract', async () => {
      @Service(Quiet)
      class One extends TeraService {}
      @Service(Quiet)
      class Other extends TeraService {}
      const stage = new Stage();
      const error = await rejection(stage.start([One, Other]));
      expect(error.reason).to.equal('TERABUS_HOST_INVALID');
      expect(error.rawMessage).to.equal('Other and One both serve service.Quiet in one host');
      await stage.end();
    });
    it('a class that does not extend TeraService', async () => {
      class Alien {}
      Service(Quiet)(loose(Alien));
      const stage = new Stage();
      const error = await rejection(stage.start(loose(Alien)));
      expect(error.reason).to.equal('TERABUS_SERVICE_INVALID');
      expect(error.rawMessage).to.contain('Alien does not extend TeraService');
      await stage.end();
    });
  });

  it('takes the options of the one method that says some', () => {
    @Service(Quiet)
    class OneMind extends TeraService {
      @OnEvent(Registry.events, UserEvent)
      first(): void {}
      @OnEvent(from(Registry.events, { concurrency: 3 }), DeviceEvent)
      second(): void {}
    }
    expect(contractOf(OneMind).groups.map(({ options }) => options)).to.deep.equal([{ concurrency: 3 }]);
  });

  describe('and inheritance', () => {
    abstract class Base extends TeraService {
      @OnEvent(Registry.events, UserEvent)
      onUser(): void {}
      @OnEvent(Registry.events, DeviceEvent)
      onDevice(): void {}
    }
    @Service(Quiet)
    class Left extends Base {
      override onUser(): void {}
      @OnPayload(room)
      onRoom(): void {}
    }
    @Service(Quiet)
    class Right extends Base {
      @OnEvent(people.all, UserEvent)
      override onUser(): void {}
    }
    @Service(Quiet)
    class Plain extends Base {}

    const handled = (serviceClass: ServiceClass) =>
      contractOf(serviceClass).groups.flatMap(({ pattern, handlers }) =>
        [...handlers].map(([type, { name }]) => `${name} ${type.split('.').at(-1)} ${pattern}`),
      );

    it('keeps what a base declared, for an override too', () => {
      expect(handled(Left)).to.have.members([
        'Left.onUser UserEvent module.Test.Registry.events',
        'Left.onDevice DeviceEvent module.Test.Registry.events',
        'Left.onRoom * room',
      ]);
    });
    it('lets an override declare something else', () => {
      expect(handled(Right)).to.have.members([
        'Right.onUser UserEvent websocket.user.*.events',
        'Right.onDevice DeviceEvent module.Test.Registry.events',
      ]);
    });
    it('puts nothing of a subclass into its base or its siblings', () => {
      expect(handled(Plain)).to.have.members([
        'Plain.onUser UserEvent module.Test.Registry.events',
        'Plain.onDevice DeviceEvent module.Test.Registry.events',
      ]);
    });
    it('keeps the middlewares of all classes, those of the base outermost, then those of the method', () => {
      const trail: string[] = [];
      const named =
        (name: string) =>
        (next: Next): Next => {
          return (message, context) => {
            trail.push(name);
            return next(message, context);
          };
        };
      @Use(named('base'))
      abstract class Guarded extends TeraService {
        @OnPayload(room)
        @Use(named('method'), named('method 2'))
        onRoom(): void {}
      }
      @Use(named('derived'), named('derived 2'))
      @Service(Quiet)
      class Derived extends Guarded {}
      const { middlewares } = [...(contractOf(Derived).groups[0]?.handlers.values() ?? [])][0] ?? { middlewares: [] };
      for (const middleware of middlewares) middleware(() => undefined)(undefined, loose(undefined));
      expect(trail).to.deep.equal(['base', 'derived', 'derived 2', 'method', 'method 2']);
    });
  });
});

describe('decorators', () => {
  const sentence = (run: () => unknown) => {
    const error = thrown(run);
    expect(error.reason).to.equal('TERABUS_HANDLER_INVALID');
    return error.rawMessage;
  };
  class Handlers {
    handle(): void {}
  }
  const decorate = (decorator: unknown, target: object = Handlers.prototype) =>
    sentence(() => (decorator as (target: object, member: string) => void)(target, 'handle'));

  it('refuse static methods', () => {
    for (const decorator of [OnEvent(Registry.events, UserEvent), Rpc(Registry.rpc.ping), OnPayload(room)]) {
      expect(decorate(decorator, Handlers)).to.match(/^@\w+ on Handlers\.handle: handlers are methods of an instance/);
    }
  });
  it('refuse sources of another wrapper, families, and what is no topic', () => {
    expect(decorate(OnEvent(loose(Registry.messages), UserEvent))).to.equal(
      "@OnEvent on Handlers.handle takes a topic of event: 'module.Test.Registry.messages' carries module-message",
    );
    expect(decorate(OnMessage(loose(room), DeviceEvent))).to.contain("'room' carries text");
    expect(decorate(OnPayload(loose(Registry.events)))).to.contain('takes a topic of text or bytes');
    expect(decorate(OnEvent(loose(people), UserEvent))).to.contain('a family is not a topic');
    expect(decorate(OnEvent(loose(undefined), UserEvent))).to.contain('that is no topic');
    expect(decorate(Rpc(loose(Registry)))).to.contain('takes a method of a contract');
  });
  it('refuse what is no type', () => {
    expect(decorate(OnEvent(Registry.events, loose(undefined)))).to.equal(
      '@OnEvent on Handlers.handle takes a message type or a family of types, not undefined',
    );
  });
});

describe('contracts', () => {
  const sentence = (run: () => unknown) => {
    const error = thrown(run);
    expect(error.reason).to.equal('TERABUS_CONTRACT_INVALID');
    return error.rawMessage;
  };

  for (const token of ['events', 'messages', 'rpc']) {
    it(`may not have the token '${token}' in their names`, () => {
      expect(sentence(() => defineModule(`A.${token}.B`, {}))).to.contain(`the token '${token}'`);
      expect(sentence(() => defineService(token, {}))).to.contain(`the token '${token}'`);
      expect(sentence(() => defineService('A', { aliases: [`x.${token}`] }))).to.contain(`the token '${token}'`);
    });
  }
  it('leave the last token heartbeat to the heartbeats of tracked topics', () => {
    const family = defineTopic('a.{b}', { wrapper: 'text' });
    const refused: [() => unknown, string, string][] = [
      [() => defineTopic('a.heartbeat', { wrapper: 'text' }), 'TERABUS_CONTRACT_INVALID', 'ends in'],
      [() => defineModule('Test.heartbeat', {}), 'TERABUS_CONTRACT_INVALID', 'may not end in'],
      [() => defineService('heartbeat', {}), 'TERABUS_CONTRACT_INVALID', 'may not end in'],
      [() => defineService('Test', { aliases: ['a.heartbeat'] }), 'TERABUS_CONTRACT_INVALID', 'may not end in'],
      [() => family({ b: 'heartbeat' }), 'TERABUS_TOPIC_PARAMETER', 'may not be'],
    ];
    for (const [define, reason, why] of refused) {
      expect(thrown(define)).to.include({ reason });
      expect(thrown(define).rawMessage).to.contain(why);
    }
    for (const name of ['heartbeat', 'heartbeat.a', 'my-heartbeat', 'a.heartbeats']) {
      expect(defineTopic(name, { wrapper: 'text' }).name).to.equal(name);
    }
  });
  it('may not have empty tokens or braces in their names', () => {
    expect(sentence(() => defineModule('A..B', {}))).to.contain("the token ''");
    expect(sentence(() => defineService('{key}', {}))).to.contain("the token '{key}'");
  });
  it('may not have a method called then, or without a name', () => {
    const method = rpc({ args: [], returns: z.void() });
    // biome-ignore lint/suspicious/noThenProperty: it is what is refused
    expect(sentence(() => defineModule('A', { rpc: { then: method } }))).to.contain(
      "module.A.rpc 'then': the method is called 'then'",
    );
    expect(sentence(() => defineModule('A', { rpc: { '': method } }))).to.contain('has no name');
  });
  it('refuse unknown options, each with a sentence', () => {
    expect(sentence(() => defineModule('A', loose({ event: {} })))).to.equal(
      "defineModule('A'): unknown option 'event'",
    );
    expect(sentence(() => defineService('A', loose({ messages: { types: [UserEvent], track: true } })))).to.equal(
      "defineService('A'): unknown option 'track' in 'messages'",
    );
    expect(sentence(() => defineTopic('a', loose({ wrapper: 'text', types: [] })))).to.contain(
      "unknown option 'types'",
    );
    expect(sentence(() => rpc(loose({ args: [], returns: z.void(), timeout: 1 })))).to.equal(
      "rpc(…): unknown option 'timeout'",
    );
    expect(sentence(() => from(Registry.events, loose({ parallel: 2 })))).to.equal(
      "from('module.Test.Registry.events'): unknown option 'parallel'",
    );
  });
  it('refuse impossible options, saying what they were', () => {
    expect(sentence(() => from(Registry.events, { concurrency: 0 }))).to.contain("option 'concurrency' was 0");
    expect(sentence(() => from(Registry.events, { timeoutMs: 1.5 }))).to.contain("option 'timeoutMs' was 1.5");
    expect(sentence(() => from(Registry.events, loose({ key: 'uuid' })))).to.contain(`option 'key' was "uuid"`);
    expect(sentence(() => rpc({ args: [], returns: loose('string') }))).to.contain(`option 'returns' was "string"`);
    expect(sentence(() => defineModule('A', { rpc: loose({ a: {} }) }))).to.contain('made by rpc({ … })');
    expect(sentence(() => defineTopic('a', { wrapper: 'event', types: [] }))).to.contain("option 'types' was []");
  });
  it('refuse a family where a topic or pattern is wanted', () => {
    expect(sentence(() => from(loose(people), {}))).to.contain('call it, or take its .all');
    expect(sentence(() => from(loose(undefined), {}))).to.contain('a topic or a pattern');
  });
  it('are frozen, but not their schemas', () => {
    expect(Object.isFrozen(Registry)).to.equal(true);
    expect(Object.isFrozen(Registry.rpc)).to.equal(true);
    expect(Object.isFrozen(Registry.rpc.ping)).to.equal(true);
    expect(Registry.rpc.ping.returns.parse('x')).to.equal('x');
  });
  it('have digests that are equal for equal definitions, and differ with each part', () => {
    const define = (returns: z.ZodType, options: object = {}) =>
      defineModule('D', { rpc: { m: rpc({ args: [uuid], returns }) }, ...options }).digest;
    const digest = define(z.string());
    expect(define(z.string())).to.equal(digest);
    expect(define(z.number())).not.to.equal(digest);
    expect(define(z.string(), { instances: 'many' })).not.to.equal(digest);
    expect(define(z.string(), { events: { types: [UserEvent] } })).not.to.equal(digest);
  });
  it('keep names that every object has apart', () => {
    const Names = defineModule('N', { rpc: { toString: rpc({ args: [], returns: z.void() }) } });
    expect(Object.keys(Names.rpc)).to.deep.equal(['toString']);
    expect('constructor' in Names.rpc).to.equal(false);
  });
});

describe('startHost', () => {
  it('refuses unknown and impossible options, each with a sentence, and closes the transport', async () => {
    const stage = new Stage();
    @Service(Quiet)
    class QuietService extends TeraService {}
    const cases: [object, string][] = [
      [{ drainTimeout: 5 }, "startHost: unknown option 'drainTimeout'"],
      [{ drainTimeoutMs: -1 }, "option 'drainTimeoutMs' was -1"],
      [{ startTimeoutMs: 0 }, "option 'startTimeoutMs' was 0"],
      [{ services: [] }, "option 'services' was []"],
      [{ services: ['X'] }, 'a class with @Service'],
      [{ logger: {} }, 'a pino logger'],
      [{ observers: [1] }, 'an observer'],
      [{ middlewares: {} }, "option 'middlewares'"],
      [{ transport: {} }, 'a Transport'],
    ];
    for (const [options, expected] of cases) {
      const transport = stage.broker.connect();
      const error = await rejection(startHost({ transport, services: [QuietService], ...options }));
      expect(error.reason).to.equal('TERABUS_HOST_INVALID');
      expect(error.rawMessage).to.contain(expected);
      await stage.settle();
      if (!('transport' in options)) expect(await transport.closed).to.equal(undefined);
    }
    await stage.end();
  });
});
