import { DeviceEvent, DeviceEvent_EventType, SessionEvent, StopSessionEvent, UserEvent } from '@terabus/messages';
import { expect } from 'chai';
import { inject, injectable } from 'inversify';
import { afterEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { z } from 'zod';
import type { BusEvent, Host, RpcContext, TrackedContext } from '../index.js';
import {
  Bus,
  defineModule,
  defineService,
  defineTopic,
  OnEvent,
  OnMessage,
  OnPayload,
  Rpc,
  rpc,
  Service,
  startHost,
  TeraService,
  uuid,
} from '../index.js';
import { MemoryBroker, VirtualClock } from '../transport/memory/index.js';

const DEVICE = '33333333-3333-4333-8333-333333333333';

const Registry = defineModule('Test.Registry', {
  events: { types: [UserEvent, DeviceEvent] },
  messages: { types: [DeviceEvent, SessionEvent] },
  rpc: {
    online_devices: rpc({ args: [], returns: z.array(uuid) }),
    rename: rpc({ args: [uuid, z.string().optional()], returns: z.string() }),
  },
});
const room = defineTopic('webrtc.{key}', { wrapper: 'text' });

@injectable()
class Presence {
  readonly online = new Set<string>();
  constructor(@inject(Bus) private readonly bus: Bus) {}
  async connect(event: DeviceEvent): Promise<void> {
    this.online.add(event.deviceUuid);
    await this.bus.publish(Registry.events, event);
  }
}

@Service(Registry, { uses: [room] })
class RegistryService extends TeraService {
  readonly log: string[] = [];
  readonly heard: string[] = [];
  constructor(@inject(Presence) private readonly presence: Presence) {
    super();
  }

  @OnMessage(Registry.messages, DeviceEvent)
  async onDevice(event: DeviceEvent, context: TrackedContext) {
    this.log.push(`${event.deviceName} from ${context.source} #${context.seq} ${context.verdict.kind}`);
    await this.presence.connect(event);
  }

  @OnMessage(Registry.messages, SessionEvent)
  onSession(event: SessionEvent) {
    switch (event.$type) {
      case 'opentera.protobuf.StopSessionEvent':
        this.log.push(`stop ${event.sessionUuid}`);
        break;
      default:
        this.log.push(event.$type);
    }
  }

  @OnPayload(room.all)
  onRoom(text: string) {
    this.heard.push(text);
  }

  @Rpc(Registry.rpc.online_devices)
  onlineDevices() {
    return [...this.presence.online];
  }

  @Rpc(Registry.rpc.rename)
  async rename(id: string, name: string | undefined, context: RpcContext) {
    return `${id} ${name ?? 'nobody'} ${context.callId}`;
  }
}

const Watcher = defineService('Watcher', {});

@Service(Watcher, { uses: [Registry, room] })
class WatcherService extends TeraService<typeof Watcher, typeof Registry | typeof room> {
  readonly seen: string[] = [];

  @OnEvent(Registry.events, DeviceEvent)
  onDevice(event: DeviceEvent) {
    this.seen.push(event.deviceName);
  }

  connect(name: string) {
    const type = DeviceEvent_EventType.DEVICE_CONNECTED;
    return this.send(Registry.messages, DeviceEvent.create({ deviceUuid: DEVICE, deviceName: name, type }));
  }
  stop() {
    return this.send(Registry.messages, StopSessionEvent.create({ sessionUuid: 'S' }));
  }
  say(key: string, text: string) {
    return this.publish(room({ key }), text);
  }
  online() {
    return this.client(Registry).online_devices({ timeoutMs: 500 });
  }
  rename(name?: string) {
    return this.client(Registry).rename(DEVICE, name);
  }
}

describe('a host', () => {
  const hosts: Host[] = [];
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()));
  });

  async function start() {
    const clock = new VirtualClock();
    const broker = new MemoryBroker({ clock });
    const events: BusEvent[] = [];
    const host = await startHost({
      transport: broker.connect(),
      clock,
      services: [RegistryService, WatcherService],
      logger: pino({ level: 'silent' }),
      observers: [(event) => events.push(event)],
    });
    hosts.push(host);
    return { clock, host, events, registry: host.service(RegistryService), watcher: host.service(WatcherService) };
  }

  it('carries messages to mailboxes, events to readers, text to rooms, and answers calls', async () => {
    const { clock, registry, watcher, events } = await start();
    await watcher.connect('Ana');
    await watcher.connect('Ben');
    await watcher.stop();
    await watcher.say('k', 'Ready!');
    await clock.advance(0);
    expect(await watcher.online()).to.deep.equal([DEVICE]);
    expect(await watcher.rename('x')).to.equal(`${DEVICE} x 2`);
    expect(await watcher.rename()).to.equal(`${DEVICE} nobody 3`);
    expect(registry.log).to.deep.equal([
      'Ana from service.Watcher #1 first',
      'Ben from service.Watcher #2 in-order',
      'stop S',
    ]);
    expect(registry.heard).to.deep.equal(['Ready!']);
    expect(watcher.seen).to.deep.equal(['Ana', 'Ben']);
    expect(events.filter(({ kind }) => kind === 'bad-message')).to.deep.equal([]);
  });
});
