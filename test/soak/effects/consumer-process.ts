// One instance of the service, which may be told to end itself at a point.
import { type Host, type Inbox, startHost } from '@terabus/core';
import type { StreamDelivery, Streams, Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { SqlInbox } from '@terabus/sql';
import { pino } from 'pino';
import { serve } from '../run/child-process.js';
import { databaseAt } from './database.js';
import { BookingService, type ConsumerPoint, type Doom, doomed, orders, stage } from './service.js';

let host: Host;

const methods = {
  async start({ url, port, doom }: { url: string; port: number; doom: Doom<ConsumerPoint> | undefined }) {
    const at = doomed(doom);
    const inbox = new SqlInbox(databaseAt(port));
    Object.assign(stage, { inbox, at });
    const transport = await connectNats({ servers: url, name: 'consumer' });
    const logger = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
    host = await startHost({
      transport: around(transport, at),
      services: [BookingService],
      inbox: aroundInbox(inbox, at),
      logger,
    });
  },
  counters: () => host.counters,
  stop: () => host.stop(),
};
export type ConsumerMethods = typeof methods;

const aroundInbox = (inbox: Inbox, at: (point: ConsumerPoint) => void): Inbox => ({
  async once(work, handle) {
    at('before the handler');
    const called = await inbox.once(work, async () => {
      await handle();
      at('before the commit');
    });
    at('before the ack');
    return called;
  },
});

/** A transport whose acknowledgements are looked at. */
function around(transport: Transport, at: (point: ConsumerPoint) => void): Transport {
  let turns = 0;
  const acked = () => {
    // What is written leaves the process in this turn, or in the next.
    turns += 1;
    if (turns % 2 === 0) setImmediate(() => at('while the ack is on its way'));
    else at('while the ack is on its way');
    void transport.flush().then(
      () => at('after the ack'),
      () => undefined,
    );
  };
  const consume: Streams['consume'] = (options, deliver) =>
    transport.streams.consume(options, (delivery) =>
      deliver(options.stream === orders.definition.template ? watched(delivery, acked) : delivery),
    );
  return override(transport, { streams: override(transport.streams, { consume }) });
}

const watched = (delivery: StreamDelivery, acked: () => void): StreamDelivery =>
  override(delivery, {
    ack: () => {
      delivery.ack();
      acked();
    },
  });

/** The same object but for some of its members. */
const override = <T extends object>(object: T, members: Partial<T>): T =>
  new Proxy(object, {
    get(target, name) {
      if (name in members) return members[name as keyof T];
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

serve(methods);
