// A service that handles what the writers write, and tells how it is.
import { type Host, startHost } from '@terabus/core';
import { connectNats } from '@terabus/nats';
import { serve } from '../run/child-process.js';
import { sharedNow } from '../run/stall-meter.js';
import { handled, ReaderService } from './reader-service.js';
import type { Written } from './writers-process.js';

let host: Host;
let unreadyAt: number | undefined;

const methods = {
  async open({ urls, replicas }: { urls: readonly string[]; replicas: number }) {
    const transport = await connectNats({ servers: [...urls], name: 'reader', connectTimeoutMs: 20_000 });
    host = await startHost({ transport, services: [ReaderService], store: { replicas }, logLevel: 'silent' });
    // Its own eyes, so that what it takes to ask is not measured.
    setInterval(() => {
      if (!host.health().ready) unreadyAt ??= sharedNow();
    }, 5);
  },
  /** Forgets when it was unready. */
  watch() {
    unreadyAt = undefined;
  },
  state: () => {
    const { ready, problems } = host.health();
    return { ready, unreadyAt, problems: problems.map(({ reason, message }) => `${reason}: ${message}`) };
  },
  /** How many of the acknowledged ones were never handled. */
  missing(written: readonly Written[]): number {
    let missing = 0;
    for (const { writer, attempted, unknown, refused } of written) {
      const inDoubt = new Set([...unknown, ...refused]);
      for (let n = 1; n <= attempted; n++) if (!inDoubt.has(n) && !handled.has(`${writer}-${n}`)) missing += 1;
    }
    return missing;
  },
  stop: () => host.stop().then(() => undefined),
};
export type ReaderMethods = typeof methods;

if (process.send !== undefined) serve(methods);
