// The process whose memory is measured: a service in front of a backlog, or a publisher that offers without waiting.
import { type Host, openBus, startHost } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { serve } from '../run/child-process.js';
import { MemoryMeter } from '../run/memory.js';
import { atMost } from './at-most.js';
import { BacklogService, MESSAGE_BYTES, offers, stage } from './service.js';

let transport: Transport;
let host: Host;
let memory: MemoryMeter;

const methods = {
  async connect(url: string) {
    transport = await connectNats({ servers: url });
  },
  /** Starts the service on the backlog; memory is measured from before. */
  async handle(handlerMs: number): Promise<void> {
    stage.handlerMs = handlerMs;
    memory = new MemoryMeter();
    const logger = pino({ level: 'warn' }, { write: () => {} });
    host = await startHost({ transport, services: [BacklogService], logger });
  },
  /** Resolves when so many are handled, with how many milliseconds that took from the start of the service on. */
  async handledAll(messages: number) {
    const begin = performance.now();
    await methods.handle(0);
    await new Promise<void>((resolve) => {
      stage.onHandled = () => {
        if (stage.handled >= messages) resolve();
      };
      stage.onHandled();
    });
    return performance.now() - begin;
  },
  handled: () => stage.handled,
  growth: () => memory.growth,
  stop: () => host.stop(),
  /** Publishes so many, so many of them on their way at a time. Resolves with how many milliseconds it took. */
  async publish({ messages, most }: { messages: number; most: number }) {
    const bus = openBus({ transport, source: 'service.soak' });
    const text = 'x'.repeat(MESSAGE_BYTES);
    memory = new MemoryMeter();
    return atMost(messages, most, () => bus.publish(offers, text));
  },
};
export type BacklogMethods = typeof methods;

serve(methods);
