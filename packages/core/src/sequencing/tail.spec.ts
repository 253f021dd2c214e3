import { BusError, DeviceEvent, decodeModuleMessage } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import type { Bus, Host, TrackedContext } from '../index.js';
import {
  defineModule,
  defineService,
  defineTopic,
  from,
  OnMessage,
  OnPayload,
  openBus,
  Service,
  TeraService,
} from '../index.js';
import { Stage } from '../service/stage.spec.js';
import type { Crossing } from '../transport/memory/index.js';

const Desk = defineModule('Test.Desk', { messages: { types: [DeviceEvent] }, aliases: ['Test.Counter'] });
const Porter = defineService('Porter', {});
const floors = defineTopic('floors.{floor}', { wrapper: 'module-message', types: [DeviceEvent], tracked: true });

const rooms = defineTopic('floors.{floor}.{room}', { wrapper: 'text' });

const device = (deviceName: string) => DeviceEvent.create({ deviceName });

@Service(Desk, { uses: [floors, rooms] })
class DeskService extends TeraService {
  readonly log: string[] = [];

  @OnMessage(Desk.messages, DeviceEvent)
  onDevice({ deviceName }: DeviceEvent, { seq, verdict }: TrackedContext): void {
    this.log.push(`${deviceName} #${seq} ${verdict.kind}`);
  }

  @OnPayload(rooms.all)
  onRoom(text: string): void {
    this.log.push(`room ${text}`);
  }

  @OnMessage(from(floors.all, { everyInstance: true }), DeviceEvent)
  onFloor({ deviceName }: DeviceEvent): void {
    this.log.push(`floor ${deviceName}`);
  }
}

@Service(Porter, { uses: [Desk, floors] })
class PorterService extends TeraService {
  last: string | undefined;
  send1: Bus['send'] = (mailbox, message, options) => this.send(mailbox as never, message as never, options);
  protected override async onStop() {
    if (this.last !== undefined) await this.send(Desk.messages, device(this.last));
  }
}

describe('the tail of what was sent', () => {
  let stage: Stage;
  let porter: Host;
  let desk: Host;
  let crossings: Crossing[];
  beforeEach(async () => {
    stage = new Stage();
    crossings = [];
    stage.broker.observe((crossing) => crossings.push(crossing));
    desk = await stage.start(DeskService, { transport: stage.broker.connect({ name: 'desk' }) });
    porter = await stage.start(PorterService, { transport: stage.broker.connect({ name: 'porter' }) });
  });
  afterEach(() => stage.end());

  const send = async (name: string, topic: Parameters<PorterService['send1']>[0] = Desk.messages) => {
    await porter.service(PorterService).send1(topic, device(name));
    await stage.settle();
  };
  const heard = () => desk.service(DeskService).log;
  const gaps = () =>
    stage
      .eventsOf('sequence')
      .filter(({ verdict }) => verdict.kind === 'gap')
      .map(({ topic, source, verdict }) => `${topic} ${source} ${verdict.missing}`);
  const lost = async (name: string, topic?: Parameters<PorterService['send1']>[0]) => {
    stage.broker.interrupt({ connection: 'desk' });
    await send(name, topic);
    stage.broker.restore();
  };

  it('is found to be lost within 2 s, with nothing sent behind it', async () => {
    await send('a');
    await lost('b');
    await lost('c');
    await stage.clock.advance(499);
    expect(gaps()).to.deep.equal([]);
    await stage.clock.advance(1);
    expect(gaps()).to.deep.equal(['module.Test.Desk.messages service.Porter 2']);
    expect(stage.log.map(({ msg }) => msg).join()).to.contain(
      '2 messages from "service.Porter" to \'module.Test.Desk.messages\'',
    );
    expect(desk.counters.missing).to.equal(2);
    await stage.clock.advance(60_000);
    expect(gaps()).to.have.length(1);
    await send('d');
    expect(heard()).to.deep.equal(['a #1 first', 'd #4 in-order']);
  });

  it('is found by the last heartbeat, when the others were lost with it', async () => {
    await send('a');
    stage.broker.interrupt({ connection: 'desk' });
    await send('b');
    await stage.clock.advance(1_999);
    stage.broker.restore();
    expect(gaps()).to.deep.equal([]);
    await stage.clock.advance(1);
    expect(gaps()).to.deep.equal(['module.Test.Desk.messages service.Porter 1']);
  });

  it('is told at once by a sender that stops, behind what its last hook sends', async () => {
    await send('a');
    porter.service(PorterService).last = 'b';
    await porter.stop();
    const told = crossings.map(({ topic, bytes }) => `${topic} #${decodeModuleMessage(bytes).head?.seq}`);
    expect(told).to.deep.equal([
      'module.Test.Desk.messages #1',
      'module.Test.Desk.messages #2',
      'module.Test.Desk.messages.heartbeat #2',
    ]);
  });

  it('is found by the heartbeat of a sender that stops', async () => {
    await send('a');
    await lost('b');
    await porter.stop();
    await stage.settle();
    expect(gaps()).to.deep.equal(['module.Test.Desk.messages service.Porter 1']);
  });

  it('is in order where nothing was lost, and heartbeats are nobody’s messages', async () => {
    for (const name of ['a', 'b']) await send(name);
    await stage.clock.advance(60_000);
    await send('c');
    const heartbeats = crossings.filter(({ topic }) => topic === 'module.Test.Desk.messages.heartbeat');
    expect(heartbeats.map(({ receivers }) => receivers)).to.deep.equal([1, 1, 1]);
    expect(heard()).to.deep.equal(['a #1 first', 'b #2 in-order', 'c #3 in-order']);
    expect(porter.counters.published).to.equal(3);
    expect(desk.counters).to.include({ handled: 3, badMessages: 0, unhandled: 0, missing: 0 });
    expect(stage.eventsOf('published')).to.have.length(3);
  });

  it('is not judged by who came after it: nothing was lost that was sent before anybody listened', async () => {
    await desk.stop();
    await send('a');
    desk = await stage.start(DeskService);
    await stage.clock.advance(60_000);
    await send('b');
    expect(heard()).to.deep.equal(['b #2 first']);
    expect(gaps()).to.deep.equal([]);
  });

  it('is not missed by a receiver that ends: heartbeats end before messages', async () => {
    const ended: string[] = [];
    const transport = stage.broker.connect();
    const subscribe = transport.subscribe.bind(transport);
    transport.subscribe = async (pattern, options, deliver) => {
      const subscription = await subscribe(pattern, options, deliver);
      return {
        drain: () => {
          ended.push(pattern);
          return subscription.drain();
        },
      };
    };
    @Service(defineModule('Test.Other', { messages: { types: [DeviceEvent] } }))
    class Other extends TeraService {
      @OnMessage(defineModule('Test.Other', { messages: { types: [DeviceEvent] } }).messages, DeviceEvent)
      onDevice(): void {}
    }
    await (await stage.start(Other, { transport })).stop();
    expect(ended).to.deep.equal(['module.Test.Other.messages.heartbeat', 'module.Test.Other.messages']);
  });

  it('is not missed by a receiver that takes nothing more', async () => {
    await send('a');
    const stopping = desk.stop();
    await porter.service(PorterService).send1(Desk.messages, device('b'));
    await porter.stop();
    await stage.settle();
    await stopping;
    expect(gaps()).to.deep.equal([]);
  });

  it('names what was unconfirmed, which is no loss', async () => {
    await send('a');
    await porter.service(PorterService).send1(Desk.messages, device('b'));
    stage.broker.interrupt({ connection: 'porter' });
    stage.broker.restore();
    await stage.clock.advance(60_000);
    expect(gaps()).to.deep.equal([]);
    await send('c');
    expect(heard()).to.deep.equal(['a #1 first', 'c #3 in-order']);
  });

  it('is found behind an unconfirmed message, when the heartbeats before were lost with the link', async () => {
    const transport = stage.broker.connect({ name: 'second' });
    const publish = transport.publish.bind(transport);
    let unconfirmed = (): void => {};
    transport.publish = (message) => {
      const { onUnconfirmed } = message;
      if (onUnconfirmed !== undefined) {
        unconfirmed = () => onUnconfirmed(new BusError('no link', { reason: 'TERABUS_UNCONFIRMED' }));
      }
      return publish(message);
    };
    const bus = openBus({ transport, clock: stage.clock, source: 'service.Script' });
    await bus.send(Desk.messages, device('a'));
    await stage.settle();
    stage.broker.interrupt({ connection: 'desk' });
    for (const name of ['lost', 'unconfirmed']) await bus.send(Desk.messages, device(name));
    await stage.clock.advance(60_000);
    stage.broker.restore();
    unconfirmed();
    await stage.clock.advance(500);
    expect(gaps()).to.deep.equal(['module.Test.Desk.messages service.Script 1']);
  });

  it('is late when it comes after all, and is missing no more', async () => {
    const mailbox = 'module.Test.Desk.messages';
    const epoch = { 'Terabus-Epoch': '01JGFJJZ00000000000000000A' };
    await stage.message(mailbox, [DeviceEvent, device('a')], { seq: 1, headers: epoch });
    await stage.heartbeat(mailbox, { seq: 2, headers: epoch });
    await stage.message(mailbox, [DeviceEvent, device('b')], { seq: 2, headers: epoch });
    await stage.heartbeat(mailbox, { seq: 2, headers: epoch });
    await stage.message(mailbox, [DeviceEvent, device('c')], { seq: 3, headers: epoch });
    expect(heard()).to.deep.equal(['a #1 first', 'b #2 late', 'c #3 in-order']);
    expect(gaps()).to.deep.equal([`${mailbox} module.Test.Sender 1`]);
  });

  it('counts for the topic it was sent to: an alias, a member of a family', async () => {
    const alias = 'module.Test.Counter.messages';
    const epoch = { 'Terabus-Epoch': '01JGFJJZ00000000000000000A' };
    await stage.message(alias, [DeviceEvent, device('a')], { seq: 1, headers: epoch });
    await stage.heartbeat(alias, { seq: 2, headers: epoch });
    for (const floor of ['1', '2']) await send(floor, floors({ floor }));
    await lost('2', floors({ floor: '2' }));
    await stage.clock.advance(500);
    expect(gaps()).to.deep.equal([`${alias} module.Test.Sender 1`, 'floors.2 service.Porter 1']);
    expect(heard().filter((line) => !line.startsWith('floor '))).to.deep.equal(['a #1 first']);
    expect(desk.counters).to.include({ badMessages: 0, unhandled: 0 });
  });

  it('is not believed from whoever has no epoch, or writes to one topic of another', async () => {
    const mailbox = 'module.Test.Desk.messages';
    await stage.message(mailbox, [DeviceEvent, device('a')], { seq: 1 });
    await stage.heartbeat(mailbox, { seq: 9 });
    expect(gaps()).to.deep.equal([]);
    await stage.heartbeat(mailbox, { seq: 9, dest: 'module.Test.Other.messages' });
    await stage.client.publish({ topic: `${mailbox}.heartbeat`, bytes: new Uint8Array([0xff]) });
    await stage.settle();
    expect(stage.eventsOf('bad-message').map(({ error }) => error.reason)).to.deep.equal([
      'TERABUS_MESSAGE_MISPLACED',
      'TERABUS_MESSAGE_UNDECODABLE',
    ]);
  });

  it('leaves no timer behind when the connection of its sender ends', async () => {
    const { client: transport, clock } = stage;
    await openBus({ transport, clock, source: 'service.Script' }).send(Desk.messages, device('a'));
    expect(clock.pendingTimers).to.equal(1);
    await transport.close();
    expect(clock.pendingTimers).to.equal(0);
  });
});
