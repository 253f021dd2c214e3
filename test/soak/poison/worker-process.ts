// One instance of the service, which its messages may end.
import { type Host, startHost } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { WORKER } from '../../integration/support/failing-dead-letters.js';
import { serve } from '../run/child-process.js';
import { STORE, stage, WorksService } from './service.js';

let host: Host | undefined;

const methods = {
  async start({ url, mended }: { url: string; mended: boolean }) {
    stage.mended = mended;
    const transport = await connectNats({ ...WORKER, servers: url });
    const logger = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
    host = await startHost({ transport, services: [WorksService], store: STORE, logger });
  },
  health: () => {
    const { ready = false, problems = [] } = host?.health() ?? {};
    return { ready, problems: problems.map(({ message }) => message) };
  },
};
export type WorkerMethods = typeof methods;

serve(methods);
