// One instance of the service, which ends as services do: SIGTERM drains it, and its exit code tells how that went.
import { runUntilSignal, startHost } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { serve } from '../run/child-process.js';
import { ReplicatedService } from './service.js';

const methods = {
  async start(url: string) {
    await new Promise<void>((resolve) => {
      void runUntilSignal(async (signal) => {
        const transport = await connectNats({ servers: url, name: 'replica' });
        const logger = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
        const host = await startHost({ transport, services: [ReplicatedService], signal, logger });
        resolve();
        return host;
      });
    });
  },
};
export type ReplicaMethods = typeof methods;

serve(methods);
