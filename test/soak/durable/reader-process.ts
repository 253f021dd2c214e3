// A service that handles what the writers write, and tells how it is.
import { type Host, startHost } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import { serve } from '../run/child-process.js';
import { sharedNow } from '../run/stall-meter.js';
import { missingOf } from './missing-of.js';
import { handled, ReaderService } from './reader-service.js';
import type { Written } from './writers-process.js';

let host: Host;
let unreadyAt: number | undefined;
/** What the server has handed out, whatever became of it: the messages, and their numbers. */
const handedOut = new Set<string>();
const numbersSeen = new Set<number>();

const methods = {
  async open({ urls, replicas }: { urls: readonly string[]; replicas: number }) {
    const transport = await connectNats({ servers: [...urls], name: 'reader', connectTimeoutMs: 20_000 });
    watchDeliveries(transport);
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
  /** The acknowledged ones that were never handled: those that were handed out, and those that never were. */
  missing(written: readonly Written[]) {
    const missing = missingOf(written, handled);
    return {
      handedOut: missing.filter((id) => handedOut.has(id)),
      never: missing.filter((id) => !handedOut.has(id)),
    };
  },
  /** How many numbers of the stream, of which this is the last, were never handed out. */
  skipped: (last: number) => Array.from({ length: last }, (_, n) => n + 1).filter((n) => !numbersSeen.has(n)).length,
  /** How it got on with what it was handed out. */
  counters: () => host.counters,
  stop: () => host.stop().then(() => undefined),
};

/** Sees what comes from the server before anybody else does. */
function watchDeliveries({ streams }: Transport): void {
  const consume = streams.consume.bind(streams);
  streams.consume = (options, deliver) =>
    consume(options, (delivery) => {
      handedOut.add(Buffer.from(delivery.bytes).toString());
      numbersSeen.add(delivery.sequence);
      deliver(delivery);
    });
}
export type ReaderMethods = typeof methods;

if (process.send !== undefined) serve(methods);
