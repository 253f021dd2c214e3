import {
  DeviceEvent,
  encodeModuleMessage,
  encodeTeraEvent,
  packAny,
  SessionEvent,
  StopSessionEvent,
  TeraEvent,
  UserEvent,
} from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { EventContext, TrackedContext } from '../index.js';
import {
  defineModule,
  defineService,
  defineTopic,
  from,
  OnEvent,
  OnMessage,
  OnPayload,
  Service,
  TeraService,
} from '../index.js';
import { Stage } from '../service/stage.spec.js';

const Registry = defineModule('Test.Registry', {
  events: { types: [UserEvent, DeviceEvent, SessionEvent] },
  messages: { types: [DeviceEvent] },
  aliases: ['Test.Alias'],
});
const Reader = defineService('Reader', {});
const people = defineTopic('user.{uuid}.events', { wrapper: 'event', types: [UserEvent] });
const rows = defineTopic('rows', { wrapper: 'event', types: [DeviceEvent] });
const room = defineTopic('room.{key}', { wrapper: 'text' });
const blobs = defineTopic('blobs', { wrapper: 'bytes' });

const device = (deviceName: string) => [DeviceEvent, DeviceEvent.create({ deviceName })] as const;
const user = (userFullname: string) => [UserEvent, UserEvent.create({ userFullname })] as const;

@Service(Registry)
class RegistryService extends TeraService {
  readonly log: string[] = [];
  readonly contexts: TrackedContext[] = [];

  @OnMessage(Registry.messages, DeviceEvent)
  onDevice(event: DeviceEvent, context: TrackedContext): void {
    this.log.push(`${event.deviceName} #${context.seq} ${context.verdict.kind} ${context.topic}`);
    this.contexts.push(context);
  }
}

@Service(Reader)
class ReaderService extends TeraService {
  readonly log: string[] = [];
  readonly contexts: EventContext[] = [];
  hold: Promise<void> | undefined;

  @OnEvent(Registry.events, DeviceEvent)
  onDevice(event: DeviceEvent, context: EventContext): void {
    this.log.push(`device ${event.deviceName}`);
    this.contexts.push(context);
  }
  @OnEvent(Registry.events, StopSessionEvent)
  onStopSession(event: StopSessionEvent): void {
    this.log.push(`stop ${event.sessionUuid}`);
  }
  @OnEvent(people.all, UserEvent)
  onUser(event: UserEvent, context: EventContext): void {
    this.log.push(`user ${event.userFullname} ${context.parameters['uuid']}`);
    this.contexts.push(context);
  }
  @OnEvent(
    from(rows, {
      key: (event) => {
        if (event.deviceName === 'bad') throw new Error('no key');
        return event.deviceName;
      },
    }),
    DeviceEvent,
  )
  async onRow(event: DeviceEvent): Promise<void> {
    this.log.push(`row ${event.deviceName}`);
    if (event.deviceName === 'throws') throw new Error('no');
    await this.hold;
    this.log.push(`row ${event.deviceName} done`);
  }
  @OnPayload(room.all)
  onRoom(text: string): void {
    this.log.push(`text ${text}`);
  }
  @OnPayload(blobs)
  onBlob(bytes: Uint8Array): void {
    this.log.push(`bytes ${bytes.length}`);
  }
}

describe('routing', () => {
  let stage: Stage;
  let registry: RegistryService;
  let reader: ReaderService;
  beforeEach(async () => {
    stage = new Stage();
    const host = await stage.start([RegistryService, ReaderService]);
    registry = host.service(RegistryService);
    reader = host.service(ReaderService);
  });
  afterEach(() => stage.end());
  const badMessages = () => stage.eventsOf('bad-message').map(({ error }) => `${error.reason}: ${error.rawMessage}`);

  it('chooses handlers by the type of each content, in order', async () => {
    await stage.event('module.Test.Registry.events', [
      device('a'),
      [StopSessionEvent, StopSessionEvent.create({ sessionUuid: 's' })],
      device('b'),
    ]);
    expect(reader.log).to.deep.equal(['device a', 'stop s', 'device b']);
  });

  it('skips what nobody here handles, undecoded, and tells so', async () => {
    const events = [{ $type: 'google.protobuf.Any', typeUrl: 'x/some.Other', value: new Uint8Array([0xff]) }] as const;
    const topic = 'module.Test.Registry.events';
    const bytes = encodeTeraEvent({
      topic,
      time: 1,
      events: [...events, packAny(...device('a')), packAny(...user('u'))],
    });
    await stage.client.publish({ topic, bytes });
    await stage.settle();
    expect(reader.log).to.deep.equal(['device a']);
    expect(stage.eventsOf('unhandled').map(({ type }) => type)).to.deep.equal([
      'some.Other',
      'opentera.protobuf.UserEvent',
    ]);
    expect(badMessages()).to.deep.equal([]);
  });

  it('drops content of a handled type that can’t be decoded, and never touches its siblings', async () => {
    const topic = 'module.Test.Registry.events';
    const broken = { ...packAny(...device('broken')), value: new Uint8Array([0xff]) };
    await stage.client.publish({
      topic,
      bytes: encodeTeraEvent({ topic, time: 1, events: [packAny(...device('a')), broken, packAny(...device('b'))] }),
    });
    await stage.settle();
    expect(reader.log).to.deep.equal(['device a', 'device b']);
    expect(badMessages().join()).to.match(
      /^TERABUS_MESSAGE_UNDECODABLE: ReaderService\.onDevice.*can't be given opentera\.protobuf\.DeviceEvent from 'module\.Test\.Registry\.events': /,
    );
  });

  it('drops bytes that are no envelope', async () => {
    for (const topic of ['module.Test.Registry.events', 'module.Test.Registry.messages']) {
      await stage.client.publish({ topic, bytes: new Uint8Array([0xff, 0xff]) });
    }
    await stage.settle();
    expect(badMessages()).to.have.length(2);
    await stage.event('module.Test.Registry.events', [device('after')]);
    expect(reader.log).to.deep.equal(['device after']);
  });

  it('drops a message whose header contradicts the subject, and takes one whose header names none', async () => {
    await stage.event('module.Test.Registry.events', [device('a')], 'module.Test.Other.events');
    await stage.event('module.Test.Registry.events', [device('b')], '');
    expect(reader.log).to.deep.equal(['device b']);
    expect(badMessages().join()).to.match(
      /^TERABUS_MESSAGE_MISPLACED: .*header\.topic says "module\.Test\.Other\.events"/,
    );
  });

  it('gives the handler of a family the parameters of the topic', async () => {
    await stage.event('user.u-1.events', [user('Ana')]);
    expect(reader.log).to.deep.equal(['user Ana u-1']);
  });

  it('tells the time that the sender wrote, and none where it wrote none', async () => {
    await stage.event('module.Test.Registry.events', [device('a')]);
    const bytes = TeraEvent.encode(TeraEvent.create({ header: { version: 1 }, events: [packAny(...device('b'))] }));
    await stage.client.publish({ topic: 'module.Test.Registry.events', bytes });
    await stage.settle();
    expect(reader.contexts.map(({ time }) => time)).to.deep.equal([1, undefined]);
  });

  it('hands on only ids and traces that are well-formed', async () => {
    const good = {
      'Terabus-Message-Id': '01JGFJJZ00ZZZZZZZZZZZZZZZZ',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    };
    await stage.message('module.Test.Registry.messages', device('a'), { headers: good });
    await stage.message('module.Test.Registry.messages', device('b'), {
      headers: { 'Terabus-Message-Id': 'x'.repeat(10_000), traceparent: 'forged' },
    });
    expect(registry.contexts.map(({ messageId }) => messageId)).to.deep.equal([good['Terabus-Message-Id'], undefined]);
    const [first, second] = registry.contexts as unknown as { traceparent?: string }[];
    expect([first?.traceparent, second?.traceparent]).to.deep.equal([good.traceparent, undefined]);
  });

  describe('of module messages', () => {
    const EPOCH = '01JGFJJZ00000000000000000A';
    const send = (name: string, seq: number, epoch?: string) =>
      stage.message('module.Test.Registry.messages', device(name), {
        seq,
        headers: epoch === undefined ? {} : { 'Terabus-Epoch': epoch },
      });
    const heard = () => registry.log.map((line) => line.replace(/ module\..*/, ''));

    it('drops a duplicate with an epoch', async () => {
      await send('a', 1, EPOCH);
      await send('a again', 1, EPOCH);
      expect(heard()).to.deep.equal(['a #1 first']);
      expect(stage.eventsOf('sequence').at(-1)).to.deep.include({ dropped: true });
    });
    it('drops nothing without an epoch', async () => {
      await send('a', 1);
      await send('a again', 1);
      expect(heard()).to.deep.equal(['a #1 first', 'a again #1 duplicate']);
      expect(stage.eventsOf('sequence').at(-1)).to.deep.include({ dropped: false });
    });
    it('tells handler, observers and log of a gap, and hands the message over', async () => {
      await send('a', 1, EPOCH);
      await send('d', 4, EPOCH);
      expect(heard()).to.deep.equal(['a #1 first', 'd #4 gap']);
      expect(registry.contexts[1]?.verdict).to.deep.equal({ kind: 'gap', missing: 2 });
      expect(stage.eventsOf('sequence').at(-1)?.verdict).to.deep.equal({ kind: 'gap', missing: 2 });
      expect(stage.log.map(({ msg }) => msg).join()).to.contain('2 messages from "module.Test.Sender"');
    });
    it('counts no loss for numbers that their sender names as abandoned', async () => {
      await send('a', 1, EPOCH);
      await stage.message('module.Test.Registry.messages', device('d'), {
        seq: 4,
        headers: { 'Terabus-Epoch': EPOCH, 'Terabus-Abandoned': '2-3' },
      });
      expect(heard()).to.deep.equal(['a #1 first', 'd #4 in-order']);
    });
    it('drops no duplicate whose epoch is no ULID: its sender counts in some other way', async () => {
      for (const epoch of ['E', '8ZZZZZZZZZZZZZZZZZZZZZZZZZ', `${EPOCH}A`, EPOCH.toLowerCase()]) {
        await send('a', 1, epoch);
      }
      expect(heard()).to.deep.equal(['a #1 first', 'a #1 duplicate', 'a #1 duplicate', 'a #1 duplicate']);
    });
    it('lets no epoch of a far future hide the restarts to come', async () => {
      await send('a', 1, EPOCH);
      await send('forged', 1, '7ZZZZZZZZZZZZZZZZZZZZZZZZZ');
      await send('b', 1, '01JGFJJZ00000000000000000B');
      expect(heard()).to.deep.equal(['a #1 first', 'forged #1 first', 'b #1 restart']);
    });
    it('takes 0 for a sender that does not count', async () => {
      await send('a', 0);
      await send('b', 0);
      expect(heard()).to.deep.equal(['a #0 untracked', 'b #0 untracked']);
    });
    it('counts a message whose content is bad: it did arrive', async () => {
      await send('a', 1, EPOCH);
      const topic = 'module.Test.Registry.messages';
      const data = [{ ...packAny(...device('b')), value: new Uint8Array([0xff]) }];
      const bytes = encodeModuleMessage({ time: 1, source: 'module.Test.Sender', dest: topic, seq: 2, data });
      await stage.client.publish({ topic, bytes, headers: new Map([['Terabus-Epoch', EPOCH]]) });
      await stage.settle();
      await send('c', 3, EPOCH);
      expect(heard()).to.deep.equal(['a #1 first', 'c #3 in-order']);
    });
    it('reaches the mailbox by its aliases too', async () => {
      await stage.message('module.Test.Alias.messages', device('a'));
      expect(registry.log).to.deep.equal(['a #0 untracked module.Test.Alias.messages']);
    });
  });

  it('takes a key function that throws for a bad message, and goes on', async () => {
    for (const name of ['bad', 'good']) await stage.event('rows', [device(name)]);
    expect(reader.log).to.deep.equal(['row good', 'row good done']);
    expect(badMessages().join()).to.contain('no key');
  });

  it('lets other keys pass, and keeps the order of one', async () => {
    let release = () => {};
    reader.hold = new Promise((resolve) => {
      release = resolve;
    });
    for (const name of ['a', 'a', 'b']) await stage.event('rows', [device(name)]);
    expect(reader.log).to.deep.equal(['row a', 'row b']);
    release();
    await stage.settle();
    expect(reader.log).to.deep.equal(['row a', 'row b', 'row a done', 'row b done', 'row a', 'row a done']);
  });

  it('reports a handler that fails, and gives the next message to it', async () => {
    for (const name of ['throws', 'good']) await stage.event('rows', [device(name)]);
    expect(reader.log).to.deep.equal(['row throws', 'row good', 'row good done']);
    const [failed] = stage.eventsOf('handled');
    expect(failed?.error?.reason).to.equal('TERABUS_HANDLER_FAILED');
    expect(failed?.error?.rawMessage).to.equal(
      "ReaderService.onRow of service.Reader failed on opentera.protobuf.DeviceEvent from 'rows': no",
    );
  });

  it('reads text as UTF-8, and drops what is none', async () => {
    const texts = [new TextEncoder().encode('Ready! é'), new Uint8Array([0xc3]), new Uint8Array()];
    for (const bytes of texts) await stage.client.publish({ topic: 'room.k', bytes });
    await stage.settle();
    expect(reader.log).to.deep.equal(['text Ready! é', 'text ']);
    expect(badMessages().join()).to.contain('the bytes are no UTF-8 text');
  });

  it('hands bytes over as they are', async () => {
    await stage.client.publish({ topic: 'blobs', bytes: new Uint8Array([0xff, 0]) });
    await stage.settle();
    expect(reader.log).to.deep.equal(['bytes 2']);
  });

  it('shares messages among the instances of a service', async () => {
    const other = (await stage.start(ReaderService)).service(ReaderService);
    for (let n = 0; n < 20; n++) await stage.event('module.Test.Registry.events', [device(`${n}`)]);
    expect(reader.log.length + other.log.length).to.equal(20);
    expect(other.log.length).to.be.within(1, 19);
  });
});
