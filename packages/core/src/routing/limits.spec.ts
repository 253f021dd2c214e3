import { encodeModuleMessage, encodeTeraEvent, LogEvent, packAny, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Host, TrackedContext } from '../index.js';
import { defineModule, defineTopic, from, OnEvent, OnMessage, OnPayload, Service, TeraService } from '../index.js';
import { Stage } from '../service/stage.spec.js';

const Desk = defineModule('Test.Desk', { messages: { types: [LogEvent] } });
const texts = defineTopic('texts', { wrapper: 'text' });
const events = defineTopic('events', { wrapper: 'event', types: [LogEvent, UserEvent] });

@Service(Desk)
class DeskService extends TeraService {
  readonly log: string[] = [];
  open: () => void = () => {};
  /** Handlers wait until the test opens it. */
  door = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  @OnMessage(from(Desk.messages, { maxQueued: 3 }), LogEvent)
  async onMessage({ message }: LogEvent, { seq, verdict }: TrackedContext) {
    this.log.push(`${message} #${seq} ${verdict.kind} ${verdict.missing}`);
    await this.door;
  }
  @OnPayload(from(texts, { maxQueuedBytes: 1_000 }))
  async onText(text: string) {
    this.log.push(`${text.length}`);
    await this.door;
  }
  @OnEvent(from(events, { maxQueued: 2 }), LogEvent)
  async onEvent({ message }: LogEvent) {
    this.log.push(message);
    await this.door;
  }
}

describe('the limits of a delivery group', () => {
  let stage: Stage;
  let host: Host;
  let desk: DeskService;
  beforeEach(async () => {
    stage = new Stage();
    host = await stage.start(DeskService);
    desk = host.service(DeskService);
  });
  afterEach(async () => {
    desk.open();
    await stage.end();
  });
  const logEvent = (message: string) => [LogEvent, LogEvent.create({ message })] as const;
  const publish = async (topic: string, bytes: Uint8Array) => {
    await stage.client.publish({ topic, bytes });
    await stage.settle();
  };
  const text = (length: number) => publish('texts', new TextEncoder().encode('x'.repeat(length)));
  const overloaded = () => stage.log.filter(({ msg }) => msg.includes('TERABUS_OVERLOADED'));

  it('let what is too much be dropped, told, counted and logged, and what was taken be handled', async () => {
    for (let n = 0; n < 10; n += 1) await stage.event('events', [logEvent(`${n}`)]);
    expect(host.counters.dropped).to.equal(7);
    expect(stage.eventsOf('dropped')[6]).to.deep.equal({
      kind: 'dropped',
      service: 'module.Test.Desk',
      topic: 'events',
      why: 'maxQueued',
    });
    expect(overloaded().map(({ msg }) => msg)).to.deep.equal([
      "[TERABUS_OVERLOADED] module.Test.Desk on 'events' drops what arrives: 2 messages (maxQueued) wait for its handlers",
    ]);
    await stage.clock.advance(1_000);
    expect(overloaded()[1]).to.include({
      msg: "6 more of module.Test.Desk on 'events': TERABUS_OVERLOADED",
      count: 6,
      topic: 'events',
    });
    desk.open();
    await stage.settle();
    expect(desk.log).to.deep.equal(['0', '1', '2']);
    await stage.event('events', [logEvent('room again')]);
    expect(desk.log.at(-1)).to.equal('room again');
  });

  it('are limits of bytes too, which the last message may go beyond', async () => {
    for (const length of [1, 999, 900, 1, 5_000]) await text(length);
    desk.open();
    await stage.settle();
    expect(desk.log).to.deep.equal(['1', '999', '900']);
    expect(stage.eventsOf('dropped').map(({ why }) => why)).to.deep.equal(['maxQueuedBytes', 'maxQueuedBytes']);
  });

  it('count headers as bytes', async () => {
    const headers = new Map([['Padding', 'x'.repeat(1_000)]]);
    for (const bytes of [new Uint8Array(), new Uint8Array(), new Uint8Array()]) {
      await stage.client.publish({ topic: 'texts', bytes, headers });
      await stage.settle();
    }
    expect(host.counters.dropped).to.equal(1);
  });

  it('take an envelope as a whole or drop it as a whole', async () => {
    await stage.event('events', [logEvent('a')]);
    await stage.event('events', ['b', 'c', 'd', 'e'].map(logEvent));
    await stage.event('events', ['f', 'g'].map(logEvent));
    desk.open();
    await stage.settle();
    expect(desk.log).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(host.counters.dropped).to.equal(1);
  });

  it('drop what is too much unread: not even that it is no message is noticed', async () => {
    for (const message of ['a', 'b', 'c']) await stage.event('events', [logEvent(message)]);
    await publish('events', new Uint8Array([0xff]));
    const events = [packAny(UserEvent, UserEvent.create({}))];
    await publish('events', encodeTeraEvent({ topic: 'events', time: 1, events }));
    expect(host.counters).to.include({ dropped: 2, badMessages: 0, unhandled: 0 });
  });

  it('hold for one group each: a flood of one topic takes nothing from another', async () => {
    for (let n = 0; n < 10; n += 1) await stage.event('events', [logEvent('x')]);
    await text(3);
    expect(desk.log).to.deep.equal(['x', '3']);
  });

  it('of a tracked mailbox lose exactly what its tracker then misses', async () => {
    const send = async (seq: number) => {
      const topic = Desk.messages.name;
      const data = [packAny(LogEvent, LogEvent.create({ message: 'm' }))];
      const bytes = encodeModuleMessage({ time: 1, source: 'module.Flood', dest: topic, seq, data });
      await stage.client.publish({ topic, bytes, headers: new Map([['Terabus-Epoch', 'A']]) });
    };
    for (let seq = 1; seq <= 1_000; seq += 1) await send(seq);
    await stage.settle();
    desk.open();
    await stage.settle();
    await send(1_001);
    await stage.settle();
    const { dropped, missing, handled } = host.counters;
    expect([missing, handled]).to.deep.equal([dropped, 1_001 - dropped]);
    expect(desk.log.at(-1)).to.equal(`m #1001 gap ${dropped}`);
  });

  it('are checked when they are given', () => {
    expect(() => from(texts, { maxQueued: 0 })).to.throw('maxQueued');
    expect(() => from(texts, { maxQueuedBytes: 1.5 })).to.throw('maxQueuedBytes');
  });
});
