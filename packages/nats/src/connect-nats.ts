import { accessSync, constants } from 'node:fs';
import type { Transport } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import { dialWith } from './nats-link.js';
import { NatsTransport } from './nats-transport.js';
import type { CheckedNatsOptions, NatsOptions } from './options.js';
import { checkNatsOptions } from './options.js';

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
  return NatsTransport.connect(checked, dialWith(checked));
}

/** What stands in such files. Somebody who gives it in place of a path must not find it in a log. */
const CONTENT = /[\r\n]|-----|^eyJ|^S[A-Z][A-Z2-7]{40}/;

/** A file that is not there will not be there after five seconds of trying either. */
function checkFiles({ nkeySeedFile, credsFile, tls }: CheckedNatsOptions): void {
  const files = {
    ...{ nkeySeedFile, credsFile },
    ...{ 'tls.caFile': tls?.caFile, 'tls.certFile': tls?.certFile, 'tls.keyFile': tls?.keyFile },
  };
  for (const [option, file] of Object.entries(files)) {
    if (file === undefined) continue;
    if (CONTENT.test(file)) {
      throw new BusError(`connectNats takes the path of a file as its option ${option}, not what stands in it`, {
        reason: 'TERABUS_OPTIONS_INVALID',
      });
    }
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
