// Who calls the service and publishes to it, at a steady rate.
import { BusError, openBus } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { serve } from '../run/child-process.js';
import { jobs, Replicated } from './service.js';

const TURN_MS = 10;

const counts = { calls: 0, answered: 0, events: 0, rejected: 0, failures: {} as Record<string, number> };
let timer: NodeJS.Timeout | undefined;
const open = new Set<Promise<unknown>>();

const methods = {
  /** So many calls and so many events a second, until `stop`. */
  async start({ url, perSecond }: { url: string; perSecond: number }) {
    const transport = await connectNats({ servers: url, name: 'traffic' });
    const bus = openBus({ transport, source: 'service.soak' });
    const client = bus.client(Replicated);
    const begin = performance.now();
    const one = () => {
      const n = counts.calls++;
      const call = client.work(n).then(
        (answer) => {
          if (answer === n) counts.answered += 1;
        },
        (error) => {
          const { reason = 'unknown' } = BusError.from(error);
          counts.failures[reason] = (counts.failures[reason] ?? 0) + 1;
        },
      );
      const event = bus.publish(jobs, `${counts.events++}`).catch(() => {
        counts.rejected += 1;
      });
      for (const each of [call, event]) {
        open.add(each);
        void each.finally(() => open.delete(each));
      }
    };
    timer = setInterval(() => {
      const due = ((performance.now() - begin) / 1_000) * perSecond;
      while (counts.calls < due) one();
    }, TURN_MS);
  },
  async stop() {
    clearInterval(timer);
    await Promise.all(open);
    return counts;
  },
};
export type TrafficMethods = typeof methods;

serve(methods);
