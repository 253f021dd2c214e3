import { defineService, defineTopic, from, OnEvent, planStreams, Service, TeraService } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { provision } from '@terabus/nats';
import type { Sides } from '../../process/contender.js';
import { contents, DEVICES, numberOf } from '../../process/content.js';
import { type Flavor, start } from './flavor.js';
import { messageOf } from './message-of.js';

const events = defineTopic('bench.durable.events', { wrapper: 'event', types: [DeviceEvent], durable: true });

@Service(defineService('Bench.Sender', {}), { uses: [events] })
class StoreSender extends TeraService {
  put(event: DeviceEvent) {
    return this.publish(events, event);
  }
}

function readerOf(flavor: Flavor, take: (n: number) => void) {
  @Service(defineService('Bench.Reader', {}), { uses: [events] })
  class Reader extends TeraService {
    @OnEvent(from(events, { ...flavor.delivery, start: 'all' }), DeviceEvent)
    onDevice({ deviceName }: DeviceEvent) {
      take(numberOf(deviceName));
    }
  }
  return Reader;
}

/** Events that are stored: each publish resolves with its place in the stream. */
export const store = (flavor: Flavor): Sides => ({
  prepare: ({ url }) => provision(planStreams([StoreSender, readerOf(flavor, () => {})]), { servers: url }),
  receive: async () => {},
  async send({ url, setting: { payload } }) {
    const host = await start(url, [StoreSender], flavor);
    const sender = host.service(StoreSender);
    const content = contents(payload);
    return {
      async hand(n) {
        const { duplicate } = await sender.put(messageOf(content(n)));
        if (duplicate) throw new Error(`event ${n} was stored before`);
      },
      flush: async () => {},
    };
  },
});

/** Events that were stored, each acknowledged when its handler has ended. */
export const handle = (flavor: Flavor): Sides => ({
  ...store(flavor),
  lanes: () => (flavor.delivery.key === undefined ? 1 : DEVICES),
  receive: ({ url }, take) => start(url, [readerOf(flavor, take)], flavor),
});
