import { BusError, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import {
  defineModule,
  defineService,
  defineTopic,
  from,
  OnEvent,
  OnPayload,
  openBus,
  planStreams,
  Service,
  TeraService,
} from '../index.js';
import { rejection, Stage } from '../service/stage.spec.js';
import type { Transport } from '../transport/index.js';
import { LastValues } from './last-values.js';

const lamps = defineTopic('lamp.{name}', { wrapper: 'text', durable: { lastValue: true } });
const Switch = defineService('Switch', {});
const Panel = defineService('Panel', {});
const Weather = defineService('Weather', { events: { types: [UserEvent], durable: { lastValue: true } } });
const delivery = from(lamps.all, { everyInstance: true });

@Service(Switch, { uses: [lamps] })
class SwitchService extends TeraService {}

@Service(Panel, { uses: [lamps] })
class PanelService extends TeraService {
  readonly seen: string[] = [];

  @OnPayload(delivery)
  onLamp(text: string, context: { topic: string; headers: ReadonlyMap<string, string> }) {
    if (text === 'broken') throw new Error('no such light');
    this.seen.push(`${context.topic} ${text}`);
    for (const name of context.headers.keys()) expect(name).to.not.match(/^Nats-/);
  }
}

@Service(defineService('SmallPanel', {}), { uses: [lamps] })
class SmallPanelService extends TeraService {
  readonly seen: string[] = [];
  door: Promise<void> = Promise.resolve();

  @OnPayload(from(lamps.all, { everyInstance: true, maxQueued: 4 }))
  async onLamp(text: string, context: { topic: string }) {
    await this.door;
    this.seen.push(`${context.topic} ${text}`);
  }
}

describe('the last values of a topic', () => {
  let stage: Stage;
  let say: (name: string, text: string) => Promise<unknown>;
  const plan = planStreams([SwitchService]);
  beforeEach(() => {
    stage = new Stage();
    stage.broker.provision(plan);
    const bus = openBus({ transport: stage.client, source: 'service.Switch', clock: stage.clock });
    say = (name, text) => bus.publish(lamps({ name }), text);
  });
  afterEach(() => stage.end());

  const panel = async () => (await stage.start(PanelService)).service(PanelService);
  const names = Array.from({ length: 40 }, (_, n) => `l${n}`);

  it('come first, one of each topic, then what is published', async () => {
    for (const text of ['on', 'off']) await say('hall', text);
    await say('a b', 'on');
    const { seen } = await panel();
    await stage.settle();
    expect(seen.toSorted()).to.deep.equal(['lamp.a b on', 'lamp.hall off']);
    await say('hall', 'dim');
    await say('door', 'on');
    await stage.settle();
    expect(seen.slice(2)).to.deep.equal(['lamp.hall dim', 'lamp.door on']);
  });

  it('need their stream, which is looked after at those who read them too, and no consumer', () => {
    @Service(defineService('Reader', {}), { uses: [Weather] })
    class ReaderService extends TeraService {
      @OnEvent(from(Weather.events, { everyInstance: true }), UserEvent)
      onWeather() {}
    }
    const { streams, buckets } = planStreams([ReaderService]);
    expect(streams.map(({ name, owned, consumers }) => [name, owned, consumers])).to.deep.equal([
      ['service.Weather.events', false, []],
    ]);
    expect(buckets).to.deep.equal([]);
  });

  it('come to every instance', async () => {
    await say('hall', 'on');
    const panels = [await panel(), await panel()];
    await stage.settle();
    for (const { seen } of panels) expect(seen).to.deep.equal(['lamp.hall on']);
  });

  it('come to the active instance alone, when it becomes active', async () => {
    const Solo = defineModule('Solo', {});
    @Service(Solo, { uses: [lamps] })
    class SoloService extends TeraService {
      readonly seen: string[] = [];
      @OnPayload(delivery)
      onLamp(text: string) {
        this.seen.push(text);
      }
    }
    const start = async () => {
      const starting = stage.start(SoloService);
      await stage.clock.advance(1_000);
      return (await starting).service(SoloService).seen;
    };
    await say('hall', 'on');
    const first = await start();
    await say('hall', 'off');
    await stage.settle();
    const second = await start();
    await stage.clock.advance(5_000);
    await say('hall', 'dim');
    await stage.settle();
    expect([first, second]).to.deep.equal([
      ['on', 'off'],
      ['off', 'dim'],
    ]);
  });

  it('come without a gap or a duplicate, also where much is published meanwhile', async () => {
    for (const name of names) await say(name, '0');
    let n = 0;
    const publishing = (async () => {
      while (n < 400) await say(names[n % names.length] as string, `${++n}`);
    })();
    const { seen } = await panel();
    expect(n, 'published before it was there').to.be.within(1, 399);
    await publishing;
    await stage.clock.advance(1_000);
    const byName = new Map(names.map((name) => [name, seen.filter((each) => each.startsWith(`lamp.${name} `))]));
    for (const [name, values] of byName) {
      const numbers = values.map((each) => Number(each.split(' ')[1]));
      const first = numbers[0] as number;
      const sent = [0, ...Array.from({ length: n }, (_, i) => i + 1).filter((i) => names[(i - 1) % 40] === name)];
      expect(numbers, name).to.deep.equal(sent.slice(sent.indexOf(first)));
    }
  });

  it('come again where the link was lost: what was missed, and nothing twice', async () => {
    await say('hall', 'on');
    await say('door', 'on');
    const host = await stage.start(PanelService, { transport: stage.broker.connect({ name: 'panel' }) });
    const { seen } = host.service(PanelService);
    await stage.settle();
    stage.broker.interrupt({ connection: 'panel' });
    for (const text of ['off', 'dim']) await say('hall', text);
    await stage.settle();
    stage.broker.restore({ connection: 'panel' });
    await stage.clock.advance(1_000);
    expect(seen.slice(2)).to.deep.equal(['lamp.hall dim']);
    await say('hall', 'off');
    await stage.settle();
    expect(seen.slice(2)).to.deep.equal(['lamp.hall dim', 'lamp.hall off']);
  });

  it('come later where there was no room for them', async () => {
    let open = () => {};
    const service = (await stage.start(SmallPanelService)).service(SmallPanelService);
    service.door = new Promise((resolve) => {
      open = resolve;
    });
    for (const name of names) await say(name, 'on');
    await stage.settle();
    expect(stage.eventsOf('dropped').length).to.be.greaterThan(0);
    open();
    await stage.clock.advance(10_000);
    expect(service.seen.toSorted()).to.deep.equal(names.map((name) => `lamp.${name} on`).toSorted());
  });

  it('leave room while they are read: none of them is dropped for want of it', async () => {
    for (const name of names) await say(name, 'on');
    const starting = stage.start(SmallPanelService);
    await stage.clock.advance(1_000);
    const { seen } = (await starting).service(SmallPanelService);
    await stage.settle();
    expect(seen).to.have.length(40);
    expect(stage.eventsOf('dropped')).to.deep.equal([]);
  });

  it('are missed where live copies were: the next one tells, and all are read again', async () => {
    const { seen } = await panel();
    await say('hall', 'on');
    await stage.settle();
    // As if the copies of two messages had been lost on the way.
    stage.broker.updateStream('lamp.{name}', { republishTo: undefined });
    await say('door', 'on');
    await say('hall', 'off');
    stage.broker.updateStream('lamp.{name}', { republishTo: '_LIVE' });
    await stage.clock.advance(1_000);
    expect(seen).to.deep.equal(['lamp.hall on']);
    await say('hall', 'dim');
    await stage.clock.advance(1_000);
    expect(seen).to.deep.equal(['lamp.hall on', 'lamp.hall dim', 'lamp.door on']);
  });

  it('are those of a stream that was made anew, whose numbers begin again', async () => {
    for (const text of ['1', '2', '3']) await say('hall', text);
    const { seen } = await panel();
    stage.broker.deleteStream('lamp.{name}');
    stage.broker.provision(plan);
    await say('hall', 'new');
    await stage.clock.advance(1_000);
    expect(seen).to.deep.equal(['lamp.hall 3', 'lamp.hall new']);
    await say('hall', 'newer');
    await stage.settle();
    expect(seen.at(-1)).to.equal('lamp.hall newer');
  });

  it('whose handler fails are counted and logged, and not given again', async () => {
    await say('hall', 'broken');
    const host = await stage.start(PanelService);
    await stage.clock.advance(60_000);
    expect(host.counters).to.include({ failed: 1, handled: 0 });
    expect(stage.log.filter(({ msg }) => msg.includes('no such light'))).to.have.length(1);
  });

  it('end the start of a service whose stream is not there, with a sentence', async () => {
    stage.broker.deleteStream('lamp.{name}');
    const error = await rejection(stage.start(PanelService));
    expect(error.reason).to.equal('TERABUS_START_FAILED');
    expect(error.message).to.contain('lamp.{name}');
  });

  describe('of a stream that can’t be read', () => {
    let isDown = true;
    let tries = 0;
    let giveUp: AbortController;
    let errors: BusError[];
    let starting: Promise<unknown>;
    const delivered: string[] = [];
    beforeEach(async () => {
      await say('hall', 'on');
      const { client, clock } = stage;
      const streamState = async (stream: string) => {
        tries += 1;
        if (isDown) throw new BusError('no leader', { reason: 'TERABUS_STREAM_UNAVAILABLE' });
        return client.streams.streamState(stream);
      };
      [isDown, tries, errors, giveUp] = [true, 0, [], new AbortController()];
      delivered.length = 0;
      const streams = {
        streamState,
        subjects: client.streams.subjects.bind(client.streams),
        read: client.streams.read.bind(client.streams),
      };
      const transport = {
        streams,
        subscribe: client.subscribe.bind(client),
        watch: client.watch.bind(client),
      } as unknown as Transport;
      starting = new LastValues({
        transport,
        clock,
        stream: 'lamp.{name}',
        pattern: 'lamp.*',
        deliver: ({ topic }) => delivered.push(topic) > 0,
        hasRoom: () => true,
        report: (error) => errors.push(error),
        signal: giveUp.signal,
      }).start();
    });

    it('are waited for, and those that are published meanwhile are not', async () => {
      await stage.clock.advance(10_000);
      expect(tries).to.be.within(5, 9);
      await say('door', 'on');
      await stage.settle();
      expect(delivered).to.deep.equal(['lamp.door']);
      isDown = false;
      await stage.clock.advance(10_000);
      await starting;
      expect(delivered).to.deep.equal(['lamp.door', 'lamp.hall']);
    });

    it('are waited for until the host gives up', async () => {
      await stage.clock.advance(10_000);
      giveUp.abort();
      await starting;
      const before = tries;
      isDown = false;
      await stage.clock.advance(60_000);
      expect(tries).to.equal(before);
    });

    it('are tried again later, and said to be in the log, where it was read before', async () => {
      isDown = false;
      await stage.clock.advance(1_000);
      await starting;
      isDown = true;
      stage.broker.interrupt();
      stage.broker.restore();
      await stage.clock.advance(10_000);
      expect(errors.map(({ reason }) => reason)).to.include('TERABUS_STREAM_UNAVAILABLE');
      isDown = false;
      stage.broker.updateStream('lamp.{name}', { republishTo: undefined });
      await say('hall', 'off');
      await stage.clock.advance(10_000);
      expect(delivered).to.deep.equal(['lamp.hall', 'lamp.hall']);
    });
  });

  it('are those of senders that are not Terabus too: what they publish lies in the stream', async () => {
    const { seen } = await panel();
    await stage.client.publish({ topic: 'lamp.hall', bytes: new TextEncoder().encode('plain') });
    await stage.settle();
    expect(seen).to.deep.equal(['lamp.hall plain']);
  });

  it('come to a subscription of its own as well, until it is stopped', async () => {
    await say('hall', 'on');
    const host = await stage.start(SwitchService);
    const seen: string[] = [];
    const service = host.service(SwitchService) as unknown as {
      subscribe(source: unknown, handler: (text: string) => void): Promise<{ stop(): Promise<void> }>;
    };
    const subscription = await service.subscribe(delivery, (text) => seen.push(text));
    await say('hall', 'off');
    await stage.settle();
    await subscription.stop();
    await say('hall', 'dim');
    await stage.clock.advance(1_000);
    expect(seen).to.deep.equal(['on', 'off']);
  });
});
