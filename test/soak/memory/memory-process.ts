// The process whose memory is measured: a host that is flooded, or a publisher whose server has stopped.
import { setImmediate as turn } from 'node:timers/promises';
import { type Host, openBus, startHost } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { serve } from '../run/child-process.js';
import { MemoryMeter } from '../run/memory.js';
import { flood, MESSAGE_BYTES, offers, SlowService } from './service.js';

let transport: Transport;
let host: Host | undefined;
let memory: MemoryMeter;
/** Messages that were taken in. */
let accepted = 0;

const methods = {
  async listen(url: string) {
    transport = await connectNats({ servers: url });
    host = await startHost({
      transport,
      services: [SlowService],
      observers: [
        (event) => {
          if (event.kind === 'accepted') accepted += 1;
        },
      ],
      logger: pino({ level: 'info' }, { write: () => {} }),
    });
  },
  async connect(url: string) {
    transport = await connectNats({ servers: url });
  },
  /** A first round, so that code is compiled and buffers are there, and then the meter begins. */
  async begin() {
    const bus = openBus({ transport, source: 'service.soak' });
    for (let n = 0; n < 2_000; n++) await bus.publish(host === undefined ? offers : flood, 'x'.repeat(MESSAGE_BYTES));
    await transport.flush();
    memory = new MemoryMeter();
  },
  arrived: () => accepted + (host?.counters.dropped ?? 0),
  counters: () => ({ dropped: host?.counters.dropped ?? 0 }),
  growth: () => memory.growth,
  /** Publishes without waiting, as code under pressure does, and tells how each ended when all have. */
  async offer(messages: number) {
    const bus = openBus({ transport, source: 'service.soak' });
    let open = messages;
    let all = () => {};
    const ending = new Promise<void>((resolve) => {
      all = resolve;
    });
    const outcome: Record<string, number> = {};
    const ended = (how: string) => {
      outcome[how] = (outcome[how] ?? 0) + 1;
      open -= 1;
      if (open === 0) all();
    };
    for (let n = 0; n < messages; n++) {
      void bus.publish(offers, 'x'.repeat(MESSAGE_BYTES)).then(
        () => ended('taken'),
        ({ reason }: { reason?: string }) => ended(reason ?? 'unknown'),
      );
      if (n % 100 === 0) await turn();
    }
    await ending;
    return outcome;
  },
};
export type MemoryMethods = typeof methods;

serve(methods);
