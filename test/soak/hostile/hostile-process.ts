// The host that hostile messages are sent to.
import type { Host } from '@terabus/core';
import { startHost } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { serve } from '../run/child-process.js';
import { LinkLog } from '../run/link-log.js';
import { MemoryMeter } from '../run/memory.js';
import { StallMeter, sharedNow } from '../run/stall-meter.js';
import { VictimService } from './service.js';

let host: Host;
let victim: VictimService;
let link: LinkLog;
const unhandled: string[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(`rejection: ${reason}`));
process.on('uncaughtException', (error) => unhandled.push(`exception: ${error?.stack}`));

let stalls: StallMeter | undefined;
let memory: MemoryMeter | undefined;
let begin = 0;
let open = () => {};

const methods = {
  async start(url: string) {
    const transport = await connectNats({ servers: url });
    link = new LinkLog(transport);
    const logger = pino({ level: 'info' }, { write: () => {} });
    host = await startHost({ transport, services: [VictimService], logger });
    victim = host.service(VictimService);
  },
  /** How many of the good ones were handled. */
  good: () => victim.good.events.size + victim.good.messages.size + victim.good.texts.size,
  ask: (what: string) => victim.ask(what),
  /** Opens a window for stalls and memory. */
  watch() {
    memory = new MemoryMeter();
    begin = sharedNow();
    stalls = new StallMeter();
  },
  /** Closes it. */
  seen() {
    const stallMs = stalls?.worstSince(begin) ?? 0;
    const growth = memory?.growth ?? 0;
    stalls?.stop();
    memory?.stop();
    return { stallMs, growth };
  },
  /** Handlers that run wait from now on. */
  hold() {
    victim.gate = new Promise((resolve) => {
      open = () => {
        victim.gate = undefined;
        resolve();
      };
    });
  },
  release: () => open(),
  report: () => ({ disconnects: link.count('disconnected'), bad: host.counters.badMessages, unhandled }),
};
export type HostileMethods = typeof methods;

serve(methods);
