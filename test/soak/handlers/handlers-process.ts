// The host whose handlers misbehave.
import type { Host } from '@terabus/core';
import { startHost } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { serve } from '../run/child-process.js';
import { LinkLog } from '../run/link-log.js';
import { HandlersService } from './service.js';

let host: Host;
let link: LinkLog;
const unhandled: string[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(`rejection: ${typeof reason}`));
process.on('uncaughtException', (error) => unhandled.push(`exception: ${error?.stack}`));

const methods = {
  async start(url: string) {
    const transport: Transport = await connectNats({ servers: url });
    link = new LinkLog(transport);
    // Lines are made as ever, and go nowhere.
    const logger = pino({ level: 'info' }, { write: () => {} });
    host = await startHost({ transport, services: [HandlersService], logger });
  },
  /** How many messages and calls have ended, well or badly. */
  ended() {
    const { handled, failed } = host.counters;
    return handled + failed;
  },
  report() {
    const { siblings, neighbours, met } = host.service(HandlersService);
    return {
      siblings: siblings.size,
      neighbours: neighbours.size,
      met,
      failed: host.counters.failed,
      abandoned: host.counters.abandoned,
      disconnects: link.count('disconnected'),
      unhandled,
    };
  },
};
export type HandlersMethods = typeof methods;

serve(methods);
