import { accessSync, constants } from 'node:fs';
import type { Transport } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import { NatsClient } from './nats-client.js';
import { NatsTransport } from './nats-transport.js';
import type { CheckedNatsOptions, NatsOptions } from './options.js';
import { checkNatsOptions } from './options.js';
import type { NatsStatusListener } from './status.js';
import { TIME_IS_OVER, within } from './within.js';

/** Between two attempts at servers that are not there yet. */
const RETRY_MS = 100;

/**
 * Connects to NATS. Resolves when a server has let this client in; waits up to `connectTimeoutMs` for one that is
 * late. Later disconnections are not errors: the connection comes back by itself, however long it takes.
 *
 * ```ts
 * const transport = await connectNats({ servers: 'nats://localhost:4222', namespace: 'prod' });
 * ```
 *
 * @throws BusError `TERABUS_OPTIONS_INVALID`; `TERABUS_NO_SERVER` when none answered in time;
 * `TERABUS_NATS_UNAUTHENTICATED`, at once, when one refuses the credentials
 */
export async function connectNats(options: NatsOptions = {}): Promise<Transport> {
  const checked = checkNatsOptions(options);
  checkFiles(checked);
  const report: NatsStatusListener = (status) => {
    try {
      checked.onStatus(status);
    } catch {
      // Whoever listens for errors can't be told about its own.
    }
  };
  return new NatsTransport(await firstConnection(checked, report), checked, report);
}

async function firstConnection(options: CheckedNatsOptions, report: NatsStatusListener): Promise<NatsClient> {
  const { clock, connectTimeoutMs } = options;
  const endsAt = clock.elapsed() + connectTimeoutMs;
  let reason = 'no connection';
  for (;;) {
    const remainingMs = endsAt - clock.elapsed();
    if (remainingMs <= 0) throw noServer(options, reason);
    const attempt = NatsClient.connect(options, report);
    try {
      const client = await within(clock, remainingMs, attempt);
      if (client !== TIME_IS_OVER) return client;
      // Somebody may still answer the attempt that nobody waits for any more.
      attempt.then((late) => late.close()).catch(() => {});
      throw noServer(options, reason);
    } catch (error) {
      const { reason: kind, rawMessage } = BusError.from(error);
      // Waiting helps against neither.
      if (kind === 'TERABUS_NATS_UNAUTHENTICATED' || kind === 'TERABUS_NO_SERVER') throw error;
      reason = rawMessage;
    }
    await new Promise<void>((resolve) =>
      clock.setTimer(Math.min(RETRY_MS, Math.max(0, endsAt - clock.elapsed())), resolve),
    );
  }
}

function noServer({ servers, connectTimeoutMs }: CheckedNatsOptions, reason: string): BusError {
  const addresses = servers.map(({ printable }) => printable).join(', ');
  return new BusError(`no NATS server answered at ${addresses} within ${connectTimeoutMs} ms: ${reason}`, {
    reason: 'TERABUS_NO_SERVER',
  });
}

/** A file that is not there will not be there after five seconds of trying either. */
function checkFiles({ credsFile, tls }: CheckedNatsOptions): void {
  const files = { credsFile, 'tls.caFile': tls?.caFile, 'tls.certFile': tls?.certFile, 'tls.keyFile': tls?.keyFile };
  for (const [option, file] of Object.entries(files)) {
    if (file === undefined) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (cause) {
      throw new BusError(`connectNats can't read the file of its option ${option}: ${(cause as Error).message}`, {
        reason: 'TERABUS_OPTIONS_INVALID',
        cause,
      });
    }
  }
}
