import type { EventContext } from '@terabus/core';
import { defineService, OnEvent, Service, startHost, TeraService } from '@terabus/core';
import { MemoryBroker } from '@terabus/core/memory';
import { DeviceEvent, DeviceEvent_EventType } from '@terabus/messages';
import { connectNats, natsOptionsFromEnv } from '@terabus/nats';

// A contract says what a service offers. This one publishes DeviceEvents on `service.Ward.events.{room}`: a family of
// topics, one for each room.
const Ward = defineService('Ward', { events: { types: [DeviceEvent], suffix: '{room}' } });

@Service(Ward)
class WardService extends TeraService {
  async connect(room: string, deviceName: string) {
    const type = DeviceEvent_EventType.DEVICE_CONNECTED;
    await this.publish(Ward.events({ room }), DeviceEvent.create({ deviceName, type }));
  }
}

const Bedside = defineService('Bedside', {});

@Service(Bedside)
class BedsideService extends TeraService {
  @OnEvent(Ward.events({ room: '12' }), DeviceEvent) // one topic
  onDevice(event: DeviceEvent) {
    console.log(`Bedside of room 12: ${event.deviceName} is connected`);
  }
}

const Statistics = defineService('Statistics', {});

@Service(Statistics)
class StatisticsService extends TeraService {
  readonly #devices = new Map<string, number>();

  @OnEvent(Ward.events.all, DeviceEvent) // all topics of the family
  onDevice(_event: DeviceEvent, context: EventContext) {
    const { room = '' } = context.parameters;
    this.#devices.set(room, (this.#devices.get(room) ?? 0) + 1);
  }

  protected override onStop() {
    for (const [room, count] of this.#devices) console.log(`Statistics: ${count} in room ${room}`);
  }
}

const { NATS_URL } = process.env;
const transport = NATS_URL ? await connectNats(natsOptionsFromEnv()) : new MemoryBroker().connect();
const host = await startHost({ transport, services: [WardService, BedsideService, StatisticsService] });

const ward = host.service(WardService);
await ward.connect('12', 'Scale');
await ward.connect('14', 'Camera');
await ward.connect('12', 'Pulse oximeter');

await host.stop(); // drains: what was published is handled first
