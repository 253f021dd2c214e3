import { DeviceEvent, decodeModuleMessage, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { BusEvent, Host, Interceptor, Stored } from '../index.js';
import { defineModule, defineService, defineTopic, openBus, planStreams, Service, TeraService } from '../index.js';
import { Sequencer } from '../sequencing/sequencer.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { StoredMessage } from '../transport/index.js';
import type { Crossing } from '../transport/memory/index.js';
import { type Chain, NEW_CHAIN } from './chain.js';
import { EVERYTHING } from './declared.js';
import { Publisher } from './publisher.js';

const Sender = defineService('Sender', { events: { types: [UserEvent], durable: true } });
const Desk = defineModule('Test.Desk', { messages: { types: [DeviceEvent], durable: { maxMessages: 4 } } });
const people = defineTopic('user.{uuid}.events', { wrapper: 'event', types: [UserEvent], durable: true });
const room = defineTopic('room', { wrapper: 'text' });
const notes = defineTopic('notes', { wrapper: 'text', durable: { maxBytes: 4_000 } });

@Service(Desk)
class DeskService extends TeraService {}

@Service(Sender, { uses: [Desk, people, room, notes] })
class SenderService extends TeraService {
  readonly event = () => this.publish(Sender.events, user);
  readonly person = (uuid: string) => this.publish(people({ uuid }), user);
  readonly note = (text: string, options?: object) => this.publish(notes, text, options);
  readonly talk = (text: string, options?: object) => this.publish(room, text, options);
  readonly users = (events: readonly UserEvent[]) => this.publishAll(Sender.events, events);
  readonly device = (deviceName = '') => this.send(Desk.messages, DeviceEvent.create({ deviceName }));
}

const user = UserEvent.create({ userFullname: 'Ana' });

describe('publishing to a durable topic', () => {
  let stage: Stage;
  let host: Host;
  let sender: SenderService;
  let crossings: Crossing[];
  beforeEach(async () => {
    stage = new Stage();
    crossings = [];
    stage.broker.observe((crossing) => crossings.push(crossing));
    stage.broker.provision(planStreams([SenderService, DeskService]));
    host = await stage.start(SenderService);
    sender = host.service(SenderService);
  });
  afterEach(() => stage.end());

  /** What lies in a stream. */
  const inStream = async (stream: string): Promise<StoredMessage[]> => {
    const { streams } = stage.client;
    const all: StoredMessage[] = [];
    for (;;) {
      const next = await streams.read(stream, { fromSequence: (all.at(-1)?.sequence ?? 0) + 1 });
      if (next === undefined) return all;
      all.push(next);
    }
  };
  const texts = async () => (await inStream('notes')).map(({ bytes }) => new TextDecoder().decode(bytes));

  it('resolves with where the message is stored: events, texts, mailboxes, and several in one', async () => {
    expect(await sender.event()).to.deep.equal({ stream: 'service.Sender.events', sequence: 1, duplicate: false });
    expect(await sender.users([user, user])).to.include({ stream: 'service.Sender.events', sequence: 2 });
    expect(await sender.person('a b')).to.include({ stream: 'user.{uuid}.events', sequence: 1 });
    expect(await sender.device()).to.include({ stream: 'module.Test.Desk.messages', sequence: 1 });
    const [stored] = await inStream('user.{uuid}.events');
    expect(stored?.subject).to.equal('user.a%20b.events');
    expect(stored?.headers.get('Terabus-Message-Id')).to.match(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(await sender.users([])).to.equal(undefined);
    expect(await sender.talk('x')).to.equal(undefined);
  });

  it('works from an open bus too', async () => {
    const bus = openBus({ transport: stage.client, source: 'service.Import', clock: stage.clock });
    const stored: Stored = await bus.publish(notes, 'x', { messageId: 'line 1' });
    expect(stored).to.deep.equal({ stream: 'notes', sequence: 1, duplicate: false });
    expect(await bus.publish(notes, 'x', { messageId: 'line 1' })).to.include({ sequence: 1, duplicate: true });
  });

  it('stores the same message id once', async () => {
    const first = await sender.note('x', { messageId: 'order 7' });
    expect(await sender.note('again', { messageId: 'order 7' })).to.deep.equal({ ...first, duplicate: true });
    expect(await texts()).to.deep.equal(['x']);
    const [stored] = await inStream('notes');
    expect(stored?.headers.get('Terabus-Message-Id')).to.equal('order 7');
  });

  it('tells observers where it is stored', async () => {
    await sender.note('x');
    expect(stage.eventsOf('published')).to.deep.equal([
      {
        kind: 'published',
        wrapper: 'text',
        service: 'service.Sender',
        topic: 'notes',
        messages: ['x'],
        stored: { stream: 'notes', sequence: 1, duplicate: false },
      },
    ]);
  });

  it('goes through interceptors, which hand on where it is stored', async () => {
    const seen: unknown[] = [];
    const watch: Interceptor = (next) => async (outgoing) => {
      outgoing.headers.set('X-Seen', 'yes');
      const result = await next(outgoing);
      seen.push(result);
      return result;
    };
    @Service(defineService('Intercepted', {}), { uses: [notes] })
    class Intercepted extends TeraService {
      readonly note = () => this.publish(notes, 'x');
    }
    const { note } = (await stage.start(Intercepted, { interceptors: [watch] })).service(Intercepted);
    expect([await note()]).to.deep.equal(seen);
    expect((await inStream('notes'))[0]?.headers.get('X-Seen')).to.equal('yes');
  });

  it('is tried until the link is back, in order', async () => {
    stage.broker.interrupt();
    const all = ['1', '2', '3'].map((text) => sender.note(text));
    await stage.clock.advance(5_000);
    expect(stage.eventsOf('published')).to.deep.equal([]);
    stage.broker.restore();
    all.push(sender.note('4'));
    // A link that is back is used at once, not at the end of a wait that has grown to a second.
    await stage.clock.advance(100);
    expect((await Promise.all(all)).map((stored) => stored?.sequence)).to.deep.equal([1, 2, 3, 4]);
    expect(await texts()).to.deep.equal(['1', '2', '3', '4']);
  });

  it('is tried for 20 s, or as long as its publisher says', async () => {
    stage.broker.interrupt();
    const long = sender.note('long');
    const short = rejection(sender.note('short', { timeoutMs: 1_000 }));
    await stage.clock.advance(1_000);
    expect(await short).to.include({ reason: 'TERABUS_DISCONNECTED' });
    await stage.clock.advance(18_000);
    stage.broker.restore();
    await stage.clock.advance(1_000);
    expect(await long).to.include({ sequence: 1 });
  });

  it('is told to observers as unconfirmed where nobody knows at the deadline', async () => {
    // What was published since the event loop turned last is lost with the link, and nobody answers for it.
    const publishing = rejection(sender.note('x', { messageId: 'm', timeoutMs: 100 }));
    stage.broker.interrupt();
    await stage.clock.advance(100);
    const error = await publishing;
    expect(error).to.include({ reason: 'TERABUS_STORE_UNKNOWN' });
    expect(error.message).to.contain("'messageId' 'm'");
    const told = stage.eventsOf('unconfirmed').map(({ messageId, topic }) => [messageId, topic]);
    expect(told).to.deep.equal([['m', 'notes']]);
    stage.broker.restore();
    expect(await sender.note('x', { messageId: 'm' })).to.include({ sequence: 1 });
  });

  it('rejects at once where the stream is full', async () => {
    const full = async () => {
      for (;;) await sender.note('x'.repeat(500));
    };
    expect(await rejection(full())).to.include({ reason: 'TERABUS_STREAM_FULL' });
    expect(stage.clock.elapsed()).to.equal(0);
  });

  it('refuses options that it can’t keep, and those of durable topics for others', async () => {
    const refused: [Promise<unknown>, string][] = [
      [
        sender.talk('x', { messageId: 'a' }),
        "publish to 'room' got the option 'messageId', which is for durable topics",
      ],
      [sender.talk('x', { timeoutMs: 5 }), "got the option 'timeoutMs'"],
      [sender.talk('x', { ordered: true }), "got the option 'ordered'"],
      [sender.note('x', { messageId: '' }), "printable ASCII for 'messageId', without spaces at its ends, not "],
      [sender.note('x', { messageId: 'é' }), 'printable ASCII'],
      [sender.note('x', { messageId: 'a\nb' }), 'printable ASCII'],
      [sender.note('x', { messageId: ' a' }), 'printable ASCII'],
      [sender.note('x', { messageId: 'a'.repeat(129) }), 'printable ASCII'],
      [sender.note('x', { messageId: 7 }), 'printable ASCII'],
      [sender.note('x', { timeoutMs: 0 }), "at least 1 for 'timeoutMs', not 0"],
      [sender.note('x', { timeoutMs: 1.5 }), "'timeoutMs'"],
      [sender.note('x', { ordered: 1 }), "true or false for 'ordered'"],
      [sender.note('x', { retries: 1 }), "there are 'headers', 'confirm', 'messageId', 'timeoutMs' and 'ordered'"],
    ];
    for (const [promise, why] of refused) {
      const error = await rejection(promise);
      expect(error.reason).to.equal('TERABUS_OPTIONS_INVALID');
      expect(error.message).to.contain(why);
    }
    expect(crossings).to.deep.equal([]);
    await sender.note('x', { messageId: 'a'.repeat(128) });
  });

  describe('on a tracked mailbox', () => {
    const stored = async () =>
      (await inStream('module.Test.Desk.messages')).map(({ bytes, headers }) => [
        decodeModuleMessage(bytes).head?.seq,
        headers.get('Terabus-Abandoned'),
      ]);

    it('numbers the messages, and names the numbers of those that were rejected or are in doubt', async () => {
      await sender.device();
      expect(await rejection(sender.device('x'.repeat(2 ** 20)))).to.include({ reason: 'TERABUS_PAYLOAD_TOO_LARGE' });
      const inDoubt = rejection(sender.device());
      stage.broker.interrupt();
      await stage.clock.advance(25_000);
      expect(await inDoubt).to.include({ reason: 'TERABUS_STORE_UNKNOWN' });
      stage.broker.restore();
      await sender.device();
      expect(await stored()).to.deep.equal([
        [1, undefined],
        [4, '2-3'],
      ]);
    });

    it('numbers those that are tried again in their order', async () => {
      stage.broker.interrupt();
      const all = [sender.device(), sender.device(), sender.device()];
      await stage.clock.advance(1_000);
      stage.broker.restore();
      await stage.clock.advance(1_000);
      await Promise.all(all);
      expect(await stored()).to.deep.equal([
        [1, undefined],
        [2, undefined],
        [3, undefined],
      ]);
    });

    it('tells no last numbers: what is stored is not lost on its way', async () => {
      await sender.device();
      await stage.clock.advance(10_000);
      await host.stop();
      expect(crossings.filter(({ topic }) => topic.endsWith('.heartbeat'))).to.deep.equal([]);
    });
  });

  describe('for a chain', () => {
    let publisher: Publisher;
    const events: BusEvent[] = [];
    beforeEach(() => {
      const newId = () => 'own';
      publisher = new Publisher({
        service: 'service.Any',
        declared: EVERYTHING,
        transport: stage.client,
        clock: stage.clock,
        sequencer: new Sequencer({ newEpoch: newId }),
        interceptors: [],
        newId,
        emit: (event) => events.push(event),
      });
    });

    it('takes the ids that the chain derives, unless its publisher gives one, and for durable topics alone', async () => {
      let n = 0;
      const chain: Chain = { ...NEW_CHAIN, nextMessageId: () => `derived ${++n}` };
      await publisher.publish('publish', notes, ['a'], chain, undefined);
      await publisher.publish('publish', room, ['b'], chain, undefined);
      await publisher.publish('publish', notes, ['c'], chain, { messageId: 'given' });
      await publisher.publish('publish', notes, ['d'], chain, undefined);
      await publisher.publish('publish', notes, ['e'], NEW_CHAIN, undefined);
      const ids = (await inStream('notes')).map(({ headers }) => headers.get('Terabus-Message-Id'));
      expect(ids).to.deep.equal(['derived 1', 'given', 'derived 2', 'own']);
    });

    it('names the number of what a stream had already: its first copy has another one', async () => {
      const chain: Chain = { ...NEW_CHAIN, nextMessageId: () => 'same' };
      const device = DeviceEvent.create({});
      await publisher.publish('send', Desk.messages, [device], chain, undefined);
      expect(await publisher.publish('send', Desk.messages, [device], chain, undefined)).to.include({
        duplicate: true,
      });
      await publisher.publish('send', Desk.messages, [device], { ...NEW_CHAIN }, undefined);
      const [, last] = await inStream('module.Test.Desk.messages');
      expect(last?.headers.get('Terabus-Abandoned')).to.equal('2');
    });

    it('tells the chain of everything that begins, also of what fails', async () => {
      const started: Promise<unknown>[] = [];
      const chain: Chain = { ...NEW_CHAIN, started: (publishing) => started.push(publishing) };
      const all = [
        publisher.publish('publish', notes, ['a'], chain, undefined),
        publisher.publish('publish', room, ['b'], chain, undefined),
        publisher.publish('publish', room, [7], chain, undefined),
      ];
      expect(started).to.deep.equal(all);
      const outcomes = await Promise.allSettled(all);
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected']);
    });
  });

  describe('at the end of its host', () => {
    it('is waited for', async () => {
      stage.broker.interrupt();
      const publishing = sender.note('x');
      const stopping = host.stop();
      await stage.clock.advance(1_000);
      stage.broker.restore();
      await stage.clock.advance(1_000);
      expect(await publishing).to.include({ sequence: 1 });
      await stopping;
    });

    it('is waited for no longer than the drain may take', async () => {
      stage.broker.interrupt();
      const publishing = rejection(sender.note('x', { timeoutMs: 600_000 }));
      const stopping = host.stop();
      await stage.clock.advance(30_000);
      await stopping;
      expect(await publishing).to.include({ reason: 'TERABUS_CLOSED' });
    });
  });
});
