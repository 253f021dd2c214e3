// A process with one service, started by the runner: `part-process.js <name> <pace as JSON>`. In production each
// service has a main file of its own, of one line: `await runService(UserManagerService)`.
import { connectNats, natsOptionsFromEnv } from '@terabus/nats';
import { isPartName } from './parts.js';
import type { Sighting } from './sighting.js';
import type { Pace } from './start-part.js';
import { startPart } from './start-part.js';

/** What a part tells the runner. */
export type PartMessage = Sighting | { readonly kind: 'ready' };

const [name, pace] = process.argv.slice(2);
if (!isPartName(name) || pace === undefined || !process.connected) process.exit(1);

// A runner that was killed can't say so: the end of its channel does. Below, a service that has drained ends it too.
process.on('disconnect', () => process.exit(process.exitCode ?? 1));
// Ctrl-C reaches every process of a terminal; the runner says who ends when.
process.on('SIGINT', () => {});

const tell = (message: PartMessage, sent?: () => void) => {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
};

try {
  const transport = await connectNats({ ...natsOptionsFromEnv(), name });
  const host = await startPart(name, transport, JSON.parse(pace) as Pace, tell);
  process.on('message', () => void host.stop());
  process.on('SIGTERM', () => void host.stop());
  void host.stopped.then(({ error }) => {
    process.exitCode = error === undefined ? 0 : 1;
    process.disconnect();
  });
  tell({ kind: 'ready' });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
