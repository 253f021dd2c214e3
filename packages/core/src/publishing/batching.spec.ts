import { BusError, DeviceEvent, decodeTeraEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { inject, injectable } from 'inversify';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { BatchingFamilyPublisher, BatchingOptions, BatchingPublisher, Host, Interceptor } from '../index.js';
import {
  Bus,
  defineModule,
  defineService,
  defineTopic,
  OnEvent,
  openBus,
  planStreams,
  Service,
  TeraService,
} from '../index.js';
import { rejection, Stage, thrown } from '../service/stage.spec.js';
import { type Crossing, turn } from '../transport/memory/index.js';

const people = defineTopic('people', { wrapper: 'event', types: [UserEvent] });
const rooms = defineTopic('room.{room}', { wrapper: 'event', types: [UserEvent] });
const kept = defineTopic('kept', { wrapper: 'event', types: [UserEvent], durable: true });
const undeclared = defineTopic('undeclared', { wrapper: 'event', types: [UserEvent] });
const lamp = defineTopic('lamp', { wrapper: 'text' });

/** What a service does at some moment of its life, for a test to say. */
type Act = (service: SenderService) => unknown;
let onEvent: Act = () => {};
let onDrain: Act = () => {};
let onStop: Act = () => {};

@injectable()
class Part {
  readonly batch: BatchingPublisher<UserEvent>;
  constructor(@inject(Bus) bus: Bus) {
    this.batch = bus.batching(people);
  }
}

@Service(defineService('Sender', {}), { uses: [people, rooms, kept] })
class SenderService extends TeraService {
  readonly part: Part;
  readonly early = this.batching(people, { lingerMs: 60_000 });
  tooEarly: Promise<unknown>;

  constructor(@inject(Part) part: Part) {
    super();
    this.part = part;
    this.tooEarly = rejection(this.batching(people).publish(user('too early')));
  }
  readonly batch = (options?: BatchingOptions) => this.batching(people, options);
  readonly family = (options?: BatchingOptions): BatchingFamilyPublisher<UserEvent, 'room.{room}'> =>
    this.batching(rooms, options);
  readonly durable = (options?: BatchingOptions) => this.batching(kept, options);
  readonly again = (names: readonly string[], messageId: string) =>
    this.publishAll(kept, names.map(user), { messageId });
  readonly say = (name: string) => this.publish(people, user(name));
  readonly strange = (source: unknown, options?: unknown) =>
    (this as unknown as { batching(...args: unknown[]): BatchingPublisher<UserEvent> }).batching(source, options);

  @OnEvent(rooms.all, UserEvent)
  onUser() {
    return onEvent(this);
  }
  protected override onDrain() {
    return onDrain(this);
  }
  protected override onStop() {
    return onStop(this);
  }
}

const user = (userFullname: string) => UserEvent.create({ userFullname });
const named = (length: number, letter = 'x') => user(letter.repeat(length));

describe('a batching publisher', () => {
  let stage: Stage;
  let host: Host;
  let sender: SenderService;
  let crossings: Crossing[];
  beforeEach(async () => {
    onEvent = onDrain = onStop = () => {};
    await begin({ maxPayloadBytes: 2_000_000 });
  });
  afterEach(() => stage.end());

  async function begin(options: { maxPayloadBytes: number }, interceptors: readonly Interceptor[] = []) {
    await stage?.end();
    stage = new Stage(options);
    crossings = [];
    stage.broker.observe((crossing) => crossings.push(crossing));
    stage.broker.provision(planStreams([SenderService]));
    host = await stage.start(SenderService, { interceptors });
    sender = host.service(SenderService);
  }
  const events = ({ bytes }: Crossing) =>
    decodeTeraEvent(bytes).events.map(({ value }) => UserEvent.decode(value).userFullname);
  /** The names in each envelope so far. */
  const sent = () => crossings.map(events);

  it('sends each envelope once, also where what is published with one fills another', async () => {
    let first = true;
    const fills: Interceptor = (next) => async (outgoing) => {
      if (first) {
        first = false;
        answers.push(family.publish(rooms({ room: 'b' }), user('2')));
      }
      return next(outgoing);
    };
    await begin({ maxPayloadBytes: 2_000_000 }, [fills]);
    const family = sender.family({ maxMessages: 2 });
    const answers: Promise<unknown>[] = [];
    answers.push(family.publish(rooms({ room: 'a' }), user('0')), family.publish(rooms({ room: 'b' }), user('1')));
    await family.flush();
    expect(await Promise.all(answers)).to.deep.equal([undefined, undefined, undefined]);
    expect(sent()).to.have.deep.members([['0'], ['1', '2']]);
  });

  it('puts what is published in one turn of the event loop into one envelope, in its order, with one promise', async () => {
    const batch = sender.batch();
    const promises = ['a', 'b', 'c'].map((name) => batch.publish(user(name)));
    expect(sent()).to.deep.equal([]);
    expect(await Promise.all(promises)).to.deep.equal([undefined, undefined, undefined]);
    expect(sent()).to.deep.equal([['a', 'b', 'c']]);
    expect(new Set(promises).size).to.equal(1);
    await batch.publish(user('d'));
    expect(sent()).to.deep.equal([['a', 'b', 'c'], ['d']]);
  });

  it('fills an envelope up to maxMessages, 16 by default', async () => {
    const [few, many] = [sender.batch({ maxMessages: 2, lingerMs: 10 }), sender.batch({ lingerMs: 10 })];
    for (const name of ['a', 'b', 'c', 'd', 'e']) void few.publish(user(name));
    await stage.settle();
    expect(sent()).to.deep.equal([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    for (let n = 0; n < 17; n++) void many.publish(user('x'));
    await stage.settle();
    expect(sent().map(({ length }) => length)).to.deep.equal([2, 2, 16]);
    await stage.clock.advance(10);
    expect(sent().map(({ length }) => length)).to.deep.equal([2, 2, 16, 1, 1]);
  });

  it('fills it up to maxBytes, 64 KiB by default; what is larger goes alone, in its place', async () => {
    const [small, usual] = [sender.batch({ maxBytes: 300, lingerMs: 10 }), sender.batch({ lingerMs: 10 })];
    for (const size of [100, 100, 400, 10]) void small.publish(named(size));
    await stage.settle();
    expect(crossings.map((each) => events(each).map(({ length }) => length))).to.deep.equal([[100], [100], [400]]);
    crossings = [];
    for (let n = 0; n < 7; n++) void usual.publish(named(16_000));
    await stage.settle();
    expect(sent().map(({ length }) => length)).to.deep.equal([4]);
    for (const { bytes } of crossings) expect(bytes.length).to.be.within(64_000, 65_536);
  });

  it('never fills it with more than half of what the server takes', async () => {
    await begin({ maxPayloadBytes: 2_000 });
    const batch = sender.batch({ maxBytes: 1_000_000 });
    await Promise.all(Array.from({ length: 10 }, () => batch.publish(named(200))));
    for (const { bytes } of crossings) expect(bytes.length).to.be.below(1_100);
    expect(sent().flat()).to.have.length(10);
  });

  it('lets a message wait for lingerMs, and no longer than the first of its envelope', async () => {
    await stage.settle();
    const timers = stage.clock.pendingTimers;
    const batch = sender.batch({ lingerMs: 10 });
    void batch.publish(user('a'));
    await stage.clock.advance(9);
    const last = batch.publish(user('b'));
    expect(sent()).to.deep.equal([]);
    await stage.clock.advance(1);
    await last;
    expect(sent()).to.deep.equal([['a', 'b']]);
    expect(stage.clock.pendingTimers).to.equal(timers);
  });

  it('sends what waits at a flush, and keeps the order beside a publish that comes behind it', async () => {
    const batch = sender.batch({ lingerMs: 60_000 });
    void batch.publish(user('a'));
    await batch.flush();
    await sender.say('b');
    expect(sent()).to.deep.equal([['a'], ['b']]);
    expect(stage.clock.pendingTimers).to.equal(0);
    await batch.flush();
    expect(sent()).to.deep.equal([['a'], ['b']]);
  });

  it('sends a message as it was when it was given', async () => {
    const message = user('before');
    const published = sender.batch().publish(message);
    message.userFullname = 'after';
    await published;
    expect(sent()).to.deep.equal([['before']]);
  });

  it('takes what a message publishes while it is encoded, behind it', async () => {
    const batch = sender.batch({ maxMessages: 2 });
    let flushed: Promise<void> | undefined;
    let inner: Promise<unknown> | undefined;
    const nosy = Object.defineProperty({ ...user('outer') }, 'userUuid', {
      enumerable: true,
      get: () => {
        flushed ??= batch.flush();
        inner ??= batch.publish(user('inner'));
        return '';
      },
    });
    await Promise.all([user('first'), nosy].map((message) => batch.publish(message)));
    await Promise.all([flushed, inner]);
    expect(sent()).to.deep.equal([['first', 'outer'], ['inner']]);
  });

  it('packs anew what an interceptor sends to another topic', async () => {
    const divert: Interceptor = (next) => (outgoing) =>
      next(outgoing.kind === 'call' ? outgoing : { ...outgoing, topic: rooms({ room: 'a' }) });
    await begin({ maxPayloadBytes: 2_000 }, [divert]);
    await sender.batch().publish(user('a'));
    expect(crossings.map(({ bytes }) => decodeTeraEvent(bytes).header?.topic)).to.deep.equal(['room.a']);
  });

  describe('when a message can’t be sent', () => {
    it('rejects that one with its number, and the others go', async () => {
      const batch = sender.batch();
      const good = [batch.publish(user('1'))];
      const bad = [
        batch.publish(DeviceEvent.create({}) as never),
        batch.publish({ ...user(''), userUuid: 7 } as never),
        batch.publish(undefined as never),
      ];
      good.push(batch.publish(user('5')));
      const errors = await Promise.all(bad.map(rejection));
      await Promise.all(good);
      expect(errors.map(({ reason, details }) => [reason, details])).to.deep.equal([
        ['TERABUS_TYPE_NOT_CARRIED', { topic: 'people', message: 2 }],
        ['TERABUS_MESSAGE_INVALID', { topic: 'people', message: 3, type: UserEvent.$type }],
        ['TERABUS_TYPE_NOT_CARRIED', { topic: 'people', message: 4 }],
      ]);
      expect(errors[1]?.rawMessage).to.match(/^message 3 for 'people': .*user_?[uU]uid/);
      expect(sent()).to.deep.equal([['1', '5']]);
    });

    it('rejects one that is too large for the server alone, in the envelope of its own', async () => {
      await begin({ maxPayloadBytes: 2_000 });
      const batch = sender.batch();
      const [first, large, last] = [named(10), named(3_000), named(10)].map((message) => batch.publish(message));
      const error = await rejection(large as Promise<unknown>);
      expect([error.reason, error.details?.['message']]).to.deep.equal(['TERABUS_PAYLOAD_TOO_LARGE', 2]);
      await Promise.all([first, last]);
      expect(sent().map(({ length }) => length)).to.deep.equal([1, 1]);
    });

    it('rejects all of an envelope that fails, and names them', async () => {
      const batch = sender.batch({ maxMessages: 2 });
      stage.broker.interrupt();
      const promises = ['1', '2', '3'].map((name) => batch.publish(user(name)));
      const [first, second, third] = await Promise.all(promises.map(rejection));
      expect(first).to.equal(second);
      expect(first?.reason).to.equal('TERABUS_DISCONNECTED');
      expect(first?.rawMessage).to.match(/^messages 1 to 2, in one envelope, for 'people': /);
      expect(first?.details).to.include({ topic: 'people', firstMessage: 1, lastMessage: 2 });
      expect(third?.details).to.include({ message: 3 });
    });

    it('leaves it to the promises to tell: a flush resolves, and what nobody looks at is unhandled', async () => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown) => unhandled.push(reason);
      process.on('unhandledRejection', note);
      try {
        const batch = sender.batch();
        stage.broker.interrupt();
        for (const name of ['1', '2']) void batch.publish(user(name));
        await batch.flush();
        await turn();
      } finally {
        process.off('unhandledRejection', note);
      }
      // Mocha hands on what it hears.
      expect([...new Set(unhandled)].map((error) => BusError.from(error).details)).to.deep.equal([
        { topic: 'people', firstMessage: 1, lastMessage: 2 },
      ]);
    });

    it('refuses a topic that the service has not declared, with the first message', async () => {
      const error = await rejection(sender.strange(undeclared).publish(user('1')));
      expect(error.reason).to.equal('TERABUS_NOT_DECLARED');
    });
  });

  it('refuses what makes no sense when it is made', () => {
    const topics = [
      undefined,
      lamp,
      rooms.all,
      'people',
      defineModule('M', { messages: { types: [UserEvent] } }).messages,
    ];
    for (const topic of topics) expect(thrown(() => sender.strange(topic)).reason).to.equal('TERABUS_TOPIC_INVALID');
    const options = [
      { maxMessages: 0 },
      { maxMessages: 1_001 },
      { maxBytes: 0.5 },
      { lingerMs: -1 },
      { lingerMs: 60_001 },
      { lingersMs: 5 },
      { messageId: 'x' },
      { timeoutMs: 5 },
      { confirm: 1 },
      { headers: undefined, ordered: true },
    ];
    for (const option of options) {
      const error = thrown(() => sender.strange(people, option));
      expect(error.reason).to.equal('TERABUS_OPTIONS_INVALID');
      expect(error.rawMessage).to.contain(Object.keys(option).at(-1)).and.contain("'people'");
    }
  });

  it('gives its headers to each envelope, and each envelope an id', async () => {
    const batch = sender.batch({ maxMessages: 1, headers: { 'X-Own': 'yes' }, confirm: true });
    await Promise.all([batch.publish(user('a')), batch.publish(user('b'))]);
    expect(crossings.map(({ headers }) => headers.get('X-Own'))).to.deep.equal(['yes', 'yes']);
    expect(new Set(crossings.map(({ headers }) => headers.get('Terabus-Message-Id'))).size).to.equal(2);
  });

  it('shows observers and interceptors the messages of each envelope, and sends what an interceptor makes of them', async () => {
    const seen: unknown[] = [];
    const censor: Interceptor = (next) => (outgoing) => {
      if (outgoing.kind === 'call') return next(outgoing);
      seen.push(outgoing.messages);
      return next({
        ...outgoing,
        messages: outgoing.messages.map((each) => ({ ...(each as UserEvent), userFullname: '…' })),
      });
    };
    await begin({ maxPayloadBytes: 2_000 }, [censor]);
    const batch = sender.batch();
    await Promise.all([batch.publish(user('a')), batch.publish(user('b'))]);
    expect(seen).to.deep.equal([[user('a'), user('b')]]);
    expect(sent()).to.deep.equal([['…', '…']]);
    expect(stage.eventsOf('published').map(({ messages }) => messages)).to.deep.equal([[user('…'), user('…')]]);
  });

  it('takes what an interceptor publishes while an envelope is sealed', async () => {
    let batch: BatchingPublisher<UserEvent> | undefined;
    const echo: Interceptor = (next) => (outgoing) => {
      const [first] = outgoing.kind === 'call' ? [] : outgoing.messages;
      if ((first as UserEvent).userFullname.length === 60) void batch?.publish(user('in between'));
      return next(outgoing);
    };
    await begin({ maxPayloadBytes: 2_000 }, [echo]);
    batch = sender.batch({ maxBytes: 250 });
    await Promise.all([60, 150].map((size) => batch?.publish(named(size))));
    await batch.flush();
    expect(sent().map((names) => names.map(({ length }) => length))).to.deep.equal([[60], [10], [150]]);
  });

  describe('for a family', () => {
    it('fills an envelope for each topic, and sends all of them when the first has waited', async () => {
      const batch = sender.family({ lingerMs: 10, maxMessages: 2 });
      for (const [room, name] of ['a1', 'b1', 'a2', 'b2', 'a3', 'c1'].map((text) => [...text])) {
        void batch.publish(rooms({ room: room as string }), user(name as string));
      }
      await stage.settle();
      expect(crossings.map((each) => [each.topic, ...events(each)])).to.deep.equal([
        ['room.a', '1', '2'],
        ['room.b', '1', '2'],
      ]);
      await stage.clock.advance(10);
      expect(crossings.slice(2).map((each) => [each.topic, ...events(each)])).to.deep.equal([
        ['room.a', '3'],
        ['room.c', '1'],
      ]);
    });

    it('refuses a topic that is none of it, by the number of the message', async () => {
      const batch = sender.family();
      for (const topic of [people, rooms, undefined, 'room.a']) {
        expect((await rejection(batch.publish(topic as never, user('1')))).reason).to.equal('TERABUS_TOPIC_INVALID');
      }
      const copy = defineTopic('room.{room}', { wrapper: 'event', types: [UserEvent] });
      await batch.publish(copy({ room: 'a' }), user('5'));
      const error = await rejection(batch.publish(people as never, user('6')));
      expect(error.details).to.deep.equal({ topic: 'people', message: 6 });
    });

    it('sends all that wait when they have 1 MiB together, whatever went before', async () => {
      const batch = sender.family({ lingerMs: 10 });
      for (let n = 0; n < 400; n++) {
        void batch.publish(rooms({ room: 'x'.repeat(200) }), user('x'));
        void batch.flush();
      }
      await stage.settle();
      crossings = [];
      for (let room = 0; room < 20; room++) void batch.publish(rooms({ room: `${room}` }), named(60_000));
      await stage.settle();
      expect(crossings).to.have.length(18);
    });
  });

  describe('of a durable topic', () => {
    it('resolves with the one place where an envelope is stored', async () => {
      const batch = sender.durable({ maxMessages: 2 });
      const places = await Promise.all(['a', 'b', 'c'].map((name) => batch.publish(user(name))));
      expect(places.map(({ stream, sequence }) => `${stream} ${sequence}`)).to.deep.equal([
        'kept 1',
        'kept 1',
        'kept 2',
      ]);
      expect(sent()).to.deep.equal([['a', 'b'], ['c']]);
    });

    it('tries to store an envelope within its timeoutMs, and rejects what is in it', async () => {
      stage.broker.deleteStream('kept');
      const batch = sender.durable({ timeoutMs: 500 });
      const promises = ['a', 'b'].map((name) => rejection(batch.publish(user(name))));
      await stage.clock.advance(500);
      const [error] = await Promise.all(promises);
      expect(error?.reason).to.equal('TERABUS_STREAM_UNAVAILABLE');
      expect(error?.details).to.include({ stream: 'kept', firstMessage: 1, lastMessage: 2 });
    });
  });

  describe('of which nobody knows whether it is stored', () => {
    const outcomeOf = async (names: readonly string[]) => {
      const batch = sender.durable({ timeoutMs: 100 });
      const published = names.map((name) => rejection(batch.publish(user(name))));
      const flushed = batch.flush();
      // What was sent since the event loop turned last is lost with the link, and nobody answers for it.
      stage.broker.interrupt();
      await stage.clock.advance(100);
      await flushed;
      return Promise.all(published);
    };
    it('says that its id is that of all its messages', async () => {
      const [error, same] = await outcomeOf(['a', 'b']);
      expect(error).to.equal(same);
      expect([error?.reason, error?.details?.['firstMessage']]).to.deep.equal(['TERABUS_STORE_UNKNOWN', 1]);
      const { messageId } = error?.details ?? {};
      expect(error?.rawMessage).to.match(/^messages 1 to 2, in one envelope, for 'kept': nobody knows/);
      expect(error?.rawMessage).to.contain(`'messageId' '${messageId}', with all of these messages, by publishAll`);
      stage.broker.restore();
      await sender.again(['a', 'b'], messageId as string);
      expect(sent().at(-1)).to.deep.equal(['a', 'b']);
    });
    it('with one message has the id of that', async () => {
      const [error] = await outcomeOf(['a']);
      expect(error?.rawMessage).to.match(/^message 1 for 'kept': .* with its 'messageId' '\w+'$/);
    });
  });

  describe('in the life of a service', () => {
    it('may be made before it is started, but not used', async () => {
      expect((await (sender.tooEarly as Promise<BusError>)).reason).to.equal('TERABUS_NOT_STARTED');
      void sender.early.publish(user('early'));
      await sender.early.flush();
      await sender.part.batch.publish(user('part'));
      expect(sent()).to.deep.equal([['early'], ['part']]);
    });

    it('sends what waits when the drain begins, and then lets nothing wait but for its turn', async () => {
      const batch = sender.batch({ lingerMs: 60_000 });
      const told: string[] = [];
      onDrain = async () => {
        // Would the drain wait for the linger, this one would be cut off.
        await Promise.all(['drain 1', 'drain 2'].map((name) => batch.publish(user(name))));
        told.push('drained');
      };
      onStop = () => void batch.publish(user('stop')).then(() => told.push('stopped'));
      void batch.publish(user('before'));
      const [before, timers] = [stage.clock.elapsed(), stage.clock.pendingTimers];
      expect(await host.stop()).to.deep.equal({ running: 0, waiting: 0, error: undefined });
      expect(sent()).to.deep.equal([['before'], ['drain 1', 'drain 2'], ['stop']]);
      expect(told).to.deep.equal(['drained', 'stopped']);
      expect([stage.clock.elapsed(), timers, stage.clock.pendingTimers]).to.deep.equal([before, 1, 0]);
    });

    it('sends what handlers publish while they are drained', async () => {
      const batch = sender.batch({ lingerMs: 60_000 });
      let open = () => {};
      const door = new Promise<void>((resolve) => {
        open = resolve;
      });
      onEvent = async () => {
        await door;
        await batch.publish(user('handled'));
      };
      await stage.event('room.a', [[UserEvent, user('x')]]);
      const stopping = host.stop();
      await turn();
      open();
      expect(await stopping).to.include({ running: 0, waiting: 0 });
      expect(sent().at(-1)).to.deep.equal(['handled']);
    });

    it('sends what waits before another instance takes over', async () => {
      @Service(defineModule('Test.Solo', {}), { uses: [people] })
      class SoloService extends TeraService {
        readonly batch = this.batching(people, { lingerMs: 60_000 });
        protected override onActive() {
          return this.publish(people, user('active'));
        }
      }
      const older = (await stage.start(SoloService)).service(SoloService);
      void older.batch.publish(user('of the older'));
      await stage.clock.advance(1);
      await stage.start(SoloService);
      await stage.clock.advance(1_000);
      // The instances talk, too.
      const published = crossings.filter(({ topic }) => topic === people.name).map(events);
      expect(published).to.deep.equal([['active'], ['of the older'], ['active']]);
    });

    it('stores what waits before the transport is closed', async () => {
      const place = sender.durable({ lingerMs: 60_000 }).publish(user('last'));
      await host.stop();
      expect(await place).to.deep.equal({ stream: 'kept', sequence: 1, duplicate: false });
    });

    it('waits for interceptors that take their time', async () => {
      const slow: Interceptor = (next) => async (outgoing) => {
        await turn();
        await turn();
        return next(outgoing);
      };
      await begin({ maxPayloadBytes: 2_000 }, [slow]);
      const published = sender.batch().publish(user('slow'));
      await host.stop();
      await published;
      expect(sent()).to.deep.equal([['slow']]);
    });

    it('refuses what comes when the service has ended, a turn later', async () => {
      const batch = sender.batch();
      await batch.publish(user('1'));
      await host.stop();
      let turned = false;
      setImmediate(() => {
        turned = true;
      });
      const error = await rejection(batch.publish(user('2')));
      expect([error.reason, error.details, turned]).to.deep.equal([
        'TERABUS_DRAINING',
        { topic: 'people', message: 2 },
        true,
      ]);
      expect(sent()).to.deep.equal([['1']]);
    });

    it('works from an open bus, which has no end of its own', async () => {
      const bus = openBus({ transport: stage.client, source: 'service.Import', clock: stage.clock });
      const batch = bus.batching(people, { lingerMs: 60_000 });
      const published = batch.publish(user('a'));
      await batch.flush();
      await published;
      expect(sent()).to.deep.equal([['a']]);
    });
  });
});
