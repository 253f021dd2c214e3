import type { TrackedContext } from '@terabus/core';
import { defineModule, OnMessage, Rpc, rpc, Service, TeraService, uuid } from '@terabus/core';
import { DeviceEvent, DeviceEvent_EventType } from '@terabus/messages';
import { z } from 'zod';

/** The contract: what everybody knows of the module. */
export const Presence = defineModule('Clinic.PresenceModule', {
  messages: { types: [DeviceEvent] }, // others tell it what happened
  events: { types: [DeviceEvent] }, // it tells everybody
  rpc: { online_devices: rpc({ args: [], returns: z.array(uuid) }) }, // others ask it
});

/** The service: what the module does. */
@Service(Presence)
export class PresenceService extends TeraService {
  readonly #online = new Set<string>();

  @OnMessage(Presence.messages, DeviceEvent)
  async onDevice(event: DeviceEvent, context: TrackedContext) {
    if (event.type === DeviceEvent_EventType.DEVICE_CONNECTED) this.#online.add(event.deviceUuid);
    else this.#online.delete(event.deviceUuid);
    await context.publish(Presence.events, event);
  }

  @Rpc(Presence.rpc.online_devices)
  onlineDevices() {
    return [...this.#online];
  }
}
