import { defineService, defineTopic, from, OnEvent, Service, type ServiceClass, TeraService } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import type { Setting } from '../../cases/case.js';
import type { Sides } from '../../process/contender.js';
import { contents, DEVICES, numberOf, topicToken } from '../../process/content.js';
import { type Flavor, start } from './flavor.js';
import { messageOf } from './message-of.js';

const family = defineTopic('bench.events.{n}', { wrapper: 'event', types: [DeviceEvent] });
const topicOf = (topic: number) => family({ n: topicToken(topic) });

@Service(defineService('Bench.Sender', {}), { uses: [family] })
class EventSender extends TeraService {
  put(topic: ReturnType<typeof topicOf>, event: DeviceEvent) {
    return this.publish(topic, event);
  }

  putAll(topic: ReturnType<typeof topicOf>, events: readonly DeviceEvent[]) {
    return this.publishAll(topic, events);
  }

  /** A publisher that fills envelopes by itself, up to as many events as a row says. */
  filling(topic: ReturnType<typeof topicOf>, maxMessages: number) {
    return this.batching(topic, { maxMessages });
  }
}

export const events = (flavor: Flavor): Sides => ({
  lanes: ({ topics }) => (flavor.delivery.key === undefined ? topics : DEVICES),
  async receive({ url, setting }, take) {
    await start(url, readersOf(setting, flavor, take), flavor);
  },
  async send({ url, setting: { payload, perEnvelope, batching, topics } }) {
    const host = await start(url, [EventSender], flavor);
    const sender = host.service(EventSender);
    const content = contents(payload);
    const all = Array.from({ length: topics }, (_, topic) => topicOf(topic));
    const event = (n: number) => messageOf(content(n));
    const topicAt = (n: number) => all[n % topics] as ReturnType<typeof topicOf>;
    const one = (n: number) => sender.put(topicAt(n), event(n));
    const several = (n: number) =>
      sender.putAll(
        topicAt(n),
        Array.from({ length: perEnvelope }, (_, index) => event(n + index)),
      );
    if (batching) {
      const publishers = all.map((topic) => sender.filling(topic, perEnvelope));
      const hand = (n: number) => {
        const publisher = publishers[n % topics];
        for (let index = 0; index < perEnvelope; index++) void publisher?.publish(event(n + index));
      };
      return { hand, flush: () => Promise.all(publishers.map((publisher) => publisher.flush())) };
    }
    return { hand: perEnvelope === 1 ? one : several, flush: async () => {} };
  },
});

/** One handler of all topics, one for each in one service, or a service for each. */
function readersOf({ topics, readers }: Setting, { delivery }: Flavor, take: (n: number) => void): ServiceClass[] {
  const options = Object.keys(delivery).length > 0 ? delivery : undefined;
  const bare = topics === 1 ? [topicOf(0)] : readers === 'pattern' ? [family.all] : undefined;
  const sources = bare ?? Array.from({ length: topics }, (_, topic) => topicOf(topic));
  const delivered = sources.map((source) => (options === undefined ? source : from(source, options)));
  if (readers === 'services') return delivered.map((source, n) => readerOf(`Bench.Reader${n}`, [source], take));
  return [readerOf('Bench.Reader', delivered, take)];
}

type EventSource = Parameters<typeof OnEvent<DeviceEvent, DeviceEvent, undefined>>[0];

/** A service with a handler for each source: what a class with so many decorated methods is. */
function readerOf(key: string, sources: readonly EventSource[], take: (n: number) => void): ServiceClass {
  class Reader extends TeraService {}
  for (const [n, source] of sources.entries()) {
    const value = ({ deviceName }: DeviceEvent) => take(numberOf(deviceName));
    const descriptor = { value, configurable: true, writable: true };
    Object.defineProperty(Reader.prototype, `on${n}`, descriptor);
    OnEvent(source, DeviceEvent)(Reader.prototype, `on${n}`, descriptor);
  }
  Service(defineService(key, {}), { uses: [family] })(Reader);
  return Reader;
}
