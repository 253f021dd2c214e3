// Code of README.md that is no example of its own: compiled here, and compared by readme.spec.ts.

import type { EventContext, ServiceClass } from '@terabus/core';
import { defineModule, defineService, OnEvent, runUntilSignal, Service, startHost, TeraService } from '@terabus/core';
import { rpc, uuid } from '@terabus/core/contract';
import { DeviceEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { z } from 'zod';

const Presence = defineModule('Clinic.PresenceModule', {
  messages: { types: [DeviceEvent] },
  events: { types: [DeviceEvent] },
  rpc: { online_devices: rpc({ args: [], returns: z.array(uuid) }) },
});

// #region another-service
const Ward = defineService('Ward', {});

@Service(Ward, { uses: [Presence] })
export class WardService extends TeraService {
  @OnEvent(Presence.events, DeviceEvent)
  async onDevice(event: DeviceEvent, context: EventContext) {
    const online = await context.client(Presence).online_devices({ timeoutMs: 2_000 });
    context.logger.info(`${event.deviceName} changed, ${online.length} devices are online`);
  }

  async report(event: DeviceEvent) {
    await this.send(Presence.messages, event);
  }
}
// #endregion

export async function atACluster(PresenceService: ServiceClass) {
  // #region cluster
  const transport = await connectNats({
    servers: ['tls://nats-1.example.org:4222', 'tls://nats-2.example.org:4222'],
    credsFile: '/run/secrets/presence.creds',
    tls: { caFile: '/run/secrets/ca.pem' },
    namespace: 'prod',
  });
  const host = await startHost({ transport, services: [PresenceService] });
  await runUntilSignal(host);
  // #endregion
}
