// The second service of README.md: compiled and tested here, and compared by readme.spec.ts.
import type { EventContext, Observer } from '@terabus/core';
import {
  BusError,
  defineModule,
  defineService,
  defineTopic,
  OnEvent,
  rpc,
  Service,
  TeraService,
  uuid,
} from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { z } from 'zod';

/** As in examples/03-module-messages, which is a program and no library. */
export const Presence = defineModule('Clinic.PresenceModule', {
  messages: { types: [DeviceEvent] },
  events: { types: [DeviceEvent] },
  rpc: { online_devices: rpc({ args: [], returns: z.array(uuid) }) },
});

// #region service
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

// #region batching
export const readings = defineTopic('ward.{room}.readings', { wrapper: 'event', types: [DeviceEvent] });

@Service(defineService('Monitor', {}), { uses: [readings] })
export class MonitorService extends TeraService {
  readonly #readings = this.batching(readings, { lingerMs: 5 });

  /** Resolves when all of them were handed to the connection. */
  async record(room: string, events: readonly DeviceEvent[]) {
    await Promise.all(events.map((event) => this.#readings.publish(readings({ room }), event)));
  }
}
// #endregion

@Service(defineService('Admission', {}), { uses: [Presence] })
export class AdmissionService extends TeraService {
  // #region confirm
  async admit(event: DeviceEvent) {
    try {
      await this.send(Presence.messages, event, { confirm: true });
    } catch (error) {
      // It may have arrived all the same: send it again only if coming twice does no harm.
      if (BusError.is(error) && error.reason === 'TERABUS_UNCONFIRMED') this.logger.warn({ err: error }, 'again?');
      throw error;
    }
  }
  // #endregion
}

export const asked: string[] = [];
const askForState = (whom: string, topic: string) => asked.push(`${whom} ${topic}`);

// #region observer
export const resync: Observer = (event) => {
  if (event.kind === 'sequence' && event.verdict.kind === 'gap') askForState(event.source, event.topic);
  if (event.kind === 'unconfirmed') askForState(event.service, event.topic);
};
// #endregion
