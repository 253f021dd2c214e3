import {
  BusError,
  DeviceEvent,
  decodeModuleMessage,
  decodeTeraEvent,
  ParticipantEvent,
  UserEvent,
} from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { decodeTime } from 'ulid';
import { z } from 'zod';
import type { Host, Interceptor } from '../index.js';
import {
  defineModule,
  defineService,
  defineTopic,
  OnMessage,
  openBus,
  Rpc,
  rpc,
  Service,
  TeraService,
} from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { Crossing } from '../transport/memory/index.js';

const Registry = defineModule('Test.Registry', {
  events: { types: [UserEvent, DeviceEvent] },
  messages: { types: [DeviceEvent] },
  rpc: {
    ping: rpc({ args: [], returns: z.void() }),
    pong: rpc({ args: [], returns: z.void() }),
  },
});
const Stranger = defineModule('Test.Stranger', {
  events: { types: [UserEvent] },
  messages: { types: [UserEvent] },
  rpc: { ping: rpc({ args: [], returns: z.void() }) },
});
const people = defineTopic('user.{uuid}.events', { wrapper: 'event', types: [UserEvent] });
const room = defineTopic('room', { wrapper: 'text' });
const blobs = defineTopic('blobs', { wrapper: 'bytes' });
const Sender = defineService('Sender', { events: { types: [UserEvent] } });

/** All that a service can do, open to the test, and to JavaScript's mistakes. */
interface Open {
  publish(...args: readonly unknown[]): Promise<void>;
  publishAll(...args: readonly unknown[]): Promise<void>;
  send(...args: readonly unknown[]): Promise<void>;
  subscribe(...args: readonly unknown[]): Promise<{ stop(): Promise<void> }>;
  client(contract: unknown): Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
}

@Service(Sender, { uses: [Registry, people, room, blobs] })
class SenderService extends TeraService {
  get open(): Open {
    return this as unknown as Open;
  }
}

const user = UserEvent.create({ userFullname: 'Ana' });
const device = DeviceEvent.create({ deviceName: 'Robot' });

describe('publishing', () => {
  let stage: Stage;
  let host: Host;
  let sender: Open;
  let crossings: Crossing[];
  beforeEach(async () => {
    stage = new Stage({ maxPayloadBytes: 2_000 });
    crossings = [];
    stage.broker.observe((crossing) => crossings.push(crossing));
    host = await stage.start(SenderService);
    sender = host.service(SenderService).open;
  });
  afterEach(() => stage.end());

  it('puts one message in each TeraEvent, with version, topic and the time of the clock', async () => {
    await stage.clock.advance(1_250);
    await sender.publish(people({ uuid: 'u' }), user);
    const [crossing] = crossings;
    const { header, events } = decodeTeraEvent(crossing?.bytes as Uint8Array);
    expect(crossing?.topic).to.equal('user.u.events');
    expect(header).to.deep.include({ version: 1, topic: 'user.u.events', time: Date.UTC(2025, 0, 1) / 1_000 + 1.25 });
    expect(decodeTime(crossing?.headers.get('Terabus-Message-Id') ?? '')).to.equal((header?.time ?? 0) * 1_000);
    expect(events.map(({ typeUrl }) => typeUrl)).to.deep.equal(['type.googleapis.com/opentera.protobuf.UserEvent']);
  });
  it('puts several into one with publishAll', async () => {
    await sender.publishAll(people({ uuid: 'u' }), [user, user]);
    expect(crossings).to.have.length(1);
    expect(decodeTeraEvent(crossings[0]?.bytes as Uint8Array).events).to.have.length(2);
  });
  it('sends nothing for an empty list', async () => {
    await sender.publishAll(people({ uuid: 'u' }), []);
    expect(crossings).to.deep.equal([]);
  });
  it('sends text as UTF-8 and bytes as they are', async () => {
    await sender.publish(room, 'é');
    await sender.publish(blobs, new Uint8Array([1, 2]));
    expect(crossings.map(({ bytes }) => [...bytes])).to.deep.equal([
      [0xc3, 0xa9],
      [1, 2],
    ]);
  });
  it('gives each message an id of its own, and tells observers what went out', async () => {
    for (let n = 0; n < 3; n++) await sender.publish(room, 'x');
    const ids = crossings.map(({ headers }) => headers.get('Terabus-Message-Id'));
    expect(new Set(ids).size).to.equal(3);
    expect([...ids].sort()).to.deep.equal(ids);
    for (const id of ids) expect(id).to.match(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(stage.eventsOf('published')[0]).to.deep.equal({
      kind: 'published',
      wrapper: 'text',
      service: 'service.Sender',
      topic: 'room',
      messages: ['x'],
    });
  });
  it('sends the user’s own headers', async () => {
    await sender.publish(room, 'x', { headers: { 'X-Own': 'é 1' } });
    expect(crossings[0]?.headers.get('X-Own')).to.equal('é 1');
  });

  const badHeaders: [string, unknown][] = [
    ['Nats-Msg-Id', '1'],
    ['TERABUS-Epoch', '1'],
    ['terabus-x', '1'],
    ['', '1'],
    ['a b', '1'],
    ['a:b', '1'],
    ['é', '1'],
    ['a'.repeat(129), '1'],
    ['X', 'a\nb'],
    ['X', 'a\r'],
    ['X', '\0'],
    ['X', ' a'],
    ['X', '\ud800'],
    ['X', 7],
    ['X', undefined],
  ];
  it('refuses headers that are reserved or malformed, and does not repeat their value', async () => {
    for (const [name, value] of badHeaders) {
      const error = await rejection(sender.publish(room, 'x', { headers: { [name]: value } }));
      expect(error.reason, JSON.stringify([name, value])).to.equal('TERABUS_HEADER_INVALID');
    }
    const error = await rejection(sender.publish(room, 'x', { headers: { Authorization: 'secret\n' } }));
    expect(error.message).to.contain('Authorization').and.not.contain('secret');
    expect(crossings).to.deep.equal([]);
  });

  it('refuses what is neither its own nor in its uses, in memory too', async () => {
    const refused: [Promise<unknown>, string][] = [
      [sender.publish(Stranger.events, user), "publishes to 'module.Test.Stranger.events'"],
      [sender.publishAll(Stranger.events, [user]), 'publishes to'],
      [sender.send(Stranger.messages, user), "sends to 'module.Test.Stranger.messages'"],
      [sender.subscribe(Stranger.events, UserEvent, () => {}), 'subscribes to'],
      [sender.client(Stranger)['ping']?.() as Promise<unknown>, 'calls module.Test.Stranger'],
      // A contract stands for its mailbox and its methods, not for what it publishes.
      [sender.publish(Registry.events, user), "publishes to 'module.Test.Registry.events'"],
    ];
    for (const [promise, expected] of refused) {
      const error = await rejection(promise);
      expect(error.reason).to.equal('TERABUS_NOT_DECLARED');
      expect(error.rawMessage).to.contain(`SenderService ${expected}`).and.contain("neither its own nor in its 'uses'");
    }
    await sender.publish(Sender.events, user);
    // Also behind one that is its own.
    expect((await rejection(sender.publish(Stranger.events, user))).reason).to.equal('TERABUS_NOT_DECLARED');
    // But it may listen to that, which makes it no publisher of it.
    await (await sender.subscribe(Registry.events, UserEvent, () => {})).stop();
    expect((await rejection(sender.publish(Registry.events, user))).reason).to.equal('TERABUS_NOT_DECLARED');
  });
  it('refuses its own mailbox and its own methods, unless its uses name its own contract', async () => {
    const Loop = defineModule('Test.Loop', {
      messages: { types: [UserEvent] },
      rpc: { again: rpc({ args: [], returns: z.null() }) },
    });
    let heard = 0;
    const startWith = async (uses: [] | [typeof Loop]) => {
      @Service(Loop, { uses })
      class LoopService extends TeraService {
        get open(): Open {
          return this as unknown as Open;
        }
        @OnMessage(Loop.messages, UserEvent)
        onUser() {
          heard += 1;
        }
        @Rpc(Loop.rpc.again)
        again() {
          return null;
        }
      }
      return (await stage.start(LoopService)).service(LoopService).open;
    };
    const silent = await startWith([]);
    for (const [promise, what] of [
      [silent.send(Loop.messages, user), "sends to 'module.Test.Loop.messages'"],
      [silent.client(Loop)['again']?.() as Promise<unknown>, 'calls module.Test.Loop'],
    ] as const) {
      const error = await rejection(promise);
      expect([error.reason, error.rawMessage]).to.deep.equal([
        'TERABUS_NOT_DECLARED',
        `LoopService ${what}, and its own contract is not in its 'uses'`,
      ]);
    }
    const talking = await startWith([Loop]);
    await stage.settle();
    await talking.send(Loop.messages, user);
    expect(await talking.client(Loop)['again']?.()).to.equal(null);
    await stage.settle();
    expect(heard).to.equal(1);
  });
  it('refuses the methods beside a single one that is declared', async () => {
    @Service(defineService('One', {}), { uses: [Registry.rpc.ping] })
    class OneService extends TeraService {
      get open(): Open {
        return this as unknown as Open;
      }
    }
    const { open } = (await stage.start(OneService)).service(OneService);
    const client = open.client(Registry);
    expect((await rejection(client['ping']?.() as Promise<unknown>)).reason).to.equal('TERABUS_NO_RESPONDERS');
    const error = await rejection(client['pong']?.() as Promise<unknown>);
    expect([error.reason, error.rawMessage]).to.deep.equal([
      'TERABUS_NOT_DECLARED',
      "OneService calls 'pong' of module.Test.Registry, which is neither its own nor in its 'uses'",
    ]);
  });
  it('refuses another definition of what is declared', async () => {
    const copy = defineTopic('room', { wrapper: 'bytes' });
    const equal = defineTopic('room', { wrapper: 'text' });
    for (const right of [room, equal]) {
      await sender.publish(right, 'x');
      expect((await rejection(sender.publish(copy, new Uint8Array()))).reason).to.equal('TERABUS_CONTRACT_MISMATCH');
    }
  });

  it('refuses a type that the topic does not carry', async () => {
    const refused = [
      sender.publish(people({ uuid: 'u' }), device),
      sender.publish(people({ uuid: 'u' }), undefined),
      sender.publishAll(people({ uuid: 'u' }), [user, ParticipantEvent.create({})]),
      sender.send(Registry.messages, user),
      sender.publish(room, 7),
      sender.publish(room, '\ud800'),
      sender.publish(blobs, 'text'),
      sender.publishAll(room, ['a', 'b']),
      ...[undefined, user, { length: 1, 0: user }, { length: 2, 0: user, 1: user }, new Set([user])].map((list) =>
        sender.publishAll(people({ uuid: 'u' }), list),
      ),
      sender.publishAll(people({ uuid: 'u' }), new Array(1)),
      sender.publishAll(people({ uuid: 'u' }), new Array(2)),
    ];
    for (const promise of refused) expect((await rejection(promise)).reason).to.equal('TERABUS_TYPE_NOT_CARRIED');
    expect(crossings).to.deep.equal([]);
  });

  it('never throws: what makes no sense is a rejection with a BusError', async () => {
    const calls: (() => Promise<unknown>)[] = [
      () => sender.publish(undefined, user),
      () => sender.publish(people, user),
      () => sender.publish(people.all, user),
      () => sender.publish(Registry.messages, device),
      () => sender.send(people({ uuid: 'u' }), user),
      () => sender.publishAll(people({ uuid: 'u' }), undefined),
      () => sender.publish(people({ uuid: 'u' }), UserEvent.create({ userUuid: 7 as unknown as string })),
      () => sender.publish(room, 'x'.repeat(3_000)),
    ];
    for (const call of calls) {
      const promise = call();
      expect(BusError.is(await rejection(promise))).to.equal(true);
    }
  });

  describe('on tracked mailboxes', () => {
    const sent = () =>
      crossings.map(({ bytes, headers }) => [decodeModuleMessage(bytes).head?.seq, headers.get('Terabus-Abandoned')]);

    it('numbers messages from 1 and says who sends, with one epoch', async () => {
      for (let n = 0; n < 3; n++) await sender.send(Registry.messages, device);
      expect(sent()).to.deep.equal([
        [1, undefined],
        [2, undefined],
        [3, undefined],
      ]);
      expect(new Set(crossings.map(({ headers }) => headers.get('Terabus-Epoch'))).size).to.equal(1);
      const { head } = decodeModuleMessage(crossings[0]?.bytes as Uint8Array);
      expect(head).to.deep.include({ source: 'service.Sender', dest: 'module.Test.Registry.messages', version: 1 });
    });
    it('numbers those of each service of a host by themselves, as receivers count them', async () => {
      @Service(defineService('Second', {}), { uses: [Registry] })
      class Second extends TeraService {
        send2 = () => this.send(Registry.messages, device);
      }
      @Service(defineService('Third', {}), { uses: [Registry] })
      class Third extends TeraService {
        send3 = () => this.send(Registry.messages, device);
      }
      const host = await stage.start([Second, Third]);
      for (let n = 0; n < 2; n++) {
        await host.service(Second).send2();
        await host.service(Third).send3();
      }
      const heads = crossings.map(({ bytes }) => decodeModuleMessage(bytes).head);
      expect(heads.map((head) => `${head?.source} ${head?.seq}`)).to.deep.equal([
        'service.Second 1',
        'service.Third 1',
        'service.Second 2',
        'service.Third 2',
      ]);
    });
    it('names the number of a rejected message in the next one, and in that one only', async () => {
      await sender.send(Registry.messages, device);
      const large = DeviceEvent.create({ deviceName: 'x'.repeat(3_000) });
      expect((await rejection(sender.send(Registry.messages, large))).reason).to.equal('TERABUS_PAYLOAD_TOO_LARGE');
      await sender.send(Registry.messages, device);
      await sender.send(Registry.messages, device);
      expect(sent()).to.deep.equal([
        [1, undefined],
        [3, '2'],
        [4, undefined],
      ]);
    });
    it('names the number of an unconfirmed message, and with it what that one had named', async () => {
      await sender.send(Registry.messages, device);
      await stage.broker.idle();
      const large = DeviceEvent.create({ deviceName: 'x'.repeat(3_000) });
      await rejection(sender.send(Registry.messages, large));
      await sender.send(Registry.messages, device);
      stage.broker.interrupt();
      stage.broker.restore();
      await sender.send(Registry.messages, device);
      expect(sent()).to.deep.equal([
        [1, undefined],
        [3, '2'],
        [4, '2-3'],
      ]);
    });
    it('names it also when that is told before the publish has gone on', async () => {
      await rejection(sender.send(Registry.messages, DeviceEvent.create({ deviceName: 'x'.repeat(3_000) })));
      const sending = sender.send(Registry.messages, device);
      stage.broker.interrupt();
      stage.broker.restore();
      await sending;
      await sender.send(Registry.messages, device);
      expect(sent().at(-1)).to.deep.equal([3, '1-2']);
    });
    it('spends no number on what cannot be encoded', async () => {
      await rejection(sender.send(Registry.messages, user));
      await sender.send(Registry.messages, device);
      expect(sent()).to.deep.equal([[1, undefined]]);
    });
  });

  describe('of what may not arrive', () => {
    const told = () =>
      stage.eventsOf('unconfirmed').map(({ topic, messageId, error }) => [topic, messageId, error.reason]);
    const id = (n: number) => crossings[n]?.headers.get('Terabus-Message-Id');
    const lines = () => stage.log.filter(({ level }) => level === 50).map(({ msg, topic }) => `${topic}: ${msg}`);

    it('tells observers, counters and log, once per message', async () => {
      const { counters } = host;
      await sender.publish(room, 'delivered');
      await stage.broker.idle();
      await sender.publish(room, 'lost');
      await sender.send(Registry.messages, device);
      stage.broker.interrupt();
      expect(told()).to.deep.equal([
        ['room', id(1), 'TERABUS_UNCONFIRMED'],
        ['module.Test.Registry.messages', id(2), 'TERABUS_UNCONFIRMED'],
      ]);
      expect(host.counters.unconfirmed - counters.unconfirmed).to.equal(2);
      expect(lines()).to.deep.equal([
        'room: [TERABUS_UNCONFIRMED] the link to the memory broker was lost before it was known to have the message',
      ]);
      await stage.clock.advance(1_000);
      expect(lines().at(-1)).to.contain('1 more of service.Sender: TERABUS_UNCONFIRMED');
    });

    it('rejects where confirm was asked for, which is counted and not logged', async () => {
      const rejections = [
        sender.publish(room, 'x', { confirm: true }),
        sender.publishAll(people({ uuid: 'u' }), [user], { confirm: true }),
        sender.send(Registry.messages, device, { confirm: true }),
      ].map(rejection);
      // Let them come to the connection.
      await Promise.resolve();
      stage.broker.interrupt();
      for (const error of await Promise.all(rejections)) expect(error.reason).to.equal('TERABUS_UNCONFIRMED');
      expect(told()).to.have.length(3);
      expect(host.counters).to.include({ unconfirmed: 3, published: 0 });
      expect(lines()).to.deep.equal([]);
    });

    it('makes nothing of what the transport would refuse, and gives it no number', async () => {
      const transport = stage.broker.connect();
      let full = true;
      const tried: string[] = [];
      const publish = transport.publish.bind(transport);
      transport.publish = (message, options) => {
        tried.push(message.topic);
        return publish(message, options);
      };
      transport.refused = () =>
        full ? Promise.reject(new BusError('no room', { reason: 'TERABUS_OVERLOADED' })) : undefined;
      const bus = openBus({ transport, source: 'service.Script', clock: stage.clock });
      expect((await rejection(bus.send(Registry.messages, device))).reason).to.equal('TERABUS_OVERLOADED');
      expect(tried).to.deep.equal([]);
      full = false;
      await bus.send(Registry.messages, device);
      expect(decodeModuleMessage(crossings.at(-1)?.bytes as Uint8Array).head?.seq).to.equal(1);
    });

    it('says nothing of what was refused: whoever published it was told', async () => {
      stage.broker.interrupt();
      expect((await rejection(sender.publish(room, 'x'))).reason).to.equal('TERABUS_DISCONNECTED');
      expect([told().length, host.counters.unconfirmed]).to.deep.equal([0, 0]);
    });

    it('logs also what turns out when the host ends', async () => {
      await sender.publish(room, 'x');
      const stopping = host.stop();
      stage.broker.interrupt();
      await stopping;
      expect(lines().join()).to.contain('before it was known to have the message');
      expect(stage.clock.pendingTimers).to.equal(0);
    });

    it('confirms what the server has, also from a context or an open bus', async () => {
      const observed: string[] = [];
      const bus = openBus({
        transport: stage.client,
        source: 'service.Script',
        clock: stage.clock,
        observer: ({ kind }) => {
          observed.push(kind);
          throw new Error('not my problem');
        },
      });
      await bus.publish(room, 'x', { confirm: true });
      await bus.publish(room, 'y');
      stage.broker.interrupt();
      expect(observed).to.deep.equal(['published', 'published', 'unconfirmed']);
    });
  });

  it('refuses options that it does not know, and sends nothing', async () => {
    const refused: [object, string][] = [
      [{ confirmed: true }, 'got the unknown option "confirmed"'],
      [{ confirm: 'yes' }, "takes true or false for 'confirm'"],
    ];
    for (const [options, why] of refused) {
      for (const attempt of [sender.publish(room, 'x', options), sender.send(Registry.messages, device, options)]) {
        const error = await rejection(attempt);
        expect(error.reason).to.equal('TERABUS_OPTIONS_INVALID');
        expect(error.rawMessage).to.contain(why);
      }
    }
    expect(crossings).to.deep.equal([]);
  });

  describe('through interceptors', () => {
    it('goes through the first one first, which may add headers and sees calls too', async () => {
      const trail: string[] = [];
      const named =
        (name: string): Interceptor =>
        (next) =>
        async (outgoing) => {
          trail.push(`${name} ${outgoing.kind}`);
          outgoing.headers.set(`X-${name}`, '1');
          return next(outgoing);
        };
      @Service(defineService('Intercepted', {}), { uses: [room, Registry] })
      class Intercepted extends TeraService {
        get open(): Open {
          return this as unknown as Open;
        }
      }
      const host = await stage.start(Intercepted, { interceptors: [named('A'), named('B')] });
      const { open } = host.service(Intercepted);
      await open.publish(room, 'x');
      await open.send(Registry.messages, device);
      await rejection(open.client(Registry)['ping']?.() as Promise<unknown>);
      expect(trail).to.deep.equal(['A publish', 'B publish', 'A send', 'B send', 'A call', 'B call']);
      for (const { headers } of crossings) expect([headers.get('X-A'), headers.get('X-B')]).to.deep.equal(['1', '1']);
    });
    it('says the time at which they let it go', async () => {
      @Service(defineService('Intercepted', {}), { uses: [people] })
      class Intercepted extends TeraService {
        say = () => this.publish(people({ uuid: 'u' }), user);
      }
      const slow: Interceptor = (next) => async (outgoing) => {
        await stage.clock.advance(2_000);
        return next(outgoing);
      };
      const host = await stage.start(Intercepted, { interceptors: [slow] });
      await host.service(Intercepted).say();
      const { header } = decodeTeraEvent(crossings[0]?.bytes as Uint8Array);
      expect(header?.time).to.equal(Date.UTC(2025, 0, 1) / 1_000 + 2);
    });
    it('is rejected with a BusError when one throws', async () => {
      @Service(defineService('Intercepted', {}), { uses: [room] })
      class Intercepted extends TeraService {
        say = () => this.publish(room, 'x');
      }
      const host = await stage.start(Intercepted, {
        interceptors: [
          () => () => {
            throw new TypeError('not me');
          },
        ],
      });
      const error = await rejection(host.service(Intercepted).say());
      expect([error.code, error.rawMessage]).to.deep.equal(['INTERNAL', 'not me']);
    });
  });
});
