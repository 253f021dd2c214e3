import type { Host } from '@terabus/core';
import { startHost } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { systemClock } from '@terabus/core/transport';
import { pino } from 'pino';
import { LogSink } from '../logger/log-sink.js';
import type { PartName } from './parts.js';
import { loadPart, makeContainer } from './parts.js';
import type { Report } from './sighting.js';
import { watchCrossings, watchHandlings } from './watch.js';

/** How the simulator plays. */
export interface Pace {
  readonly play: 'once' | 'forever';
  readonly pauseMs: number;
}

/** Starts one service on a transport, and reports what is seen of it. */
export async function startPart(name: PartName, transport: Transport, pace: Pace, report: Report): Promise<Host> {
  return startHost({
    transport,
    services: [await loadPart(name)],
    container: makeContainer(new ReportingSink(report)),
    config: { ...pace },
    clock: systemClock,
    logger: pino({ level: 'warn' }, pino.destination(2)),
    interceptors: [watchCrossings(report)],
    observers: [watchHandlings(report)],
  });
}

class ReportingSink extends LogSink {
  constructor(private readonly report: Report) {
    super();
  }
  override keep(text: string): void {
    this.report({ kind: 'log-line', at: Date.now(), text });
  }
}
