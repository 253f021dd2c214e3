import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions put the server; `/usr/sbin` is often missing from a user's PATH. */
const USUAL_FOLDERS = ['/usr/local/bin', '/usr/bin', '/usr/sbin'];

/**
 * The path of the nats-server binary: `TERABUS_NATS_SERVER` if it is set, else the first in PATH and the usual
 * folders. Throws an `Error` that says how to get one.
 */
export function findNatsServer(env: NodeJS.ProcessEnv = process.env): string {
  const { TERABUS_NATS_SERVER: named, PATH: path = '' } = env;
  if (named) {
    if (isExecutable(named)) return named;
    throw new Error(`TERABUS_NATS_SERVER is ${JSON.stringify(named)}, which is not an executable file.`);
  }
  const folders = [...path.split(delimiter).filter(Boolean), ...USUAL_FOLDERS];
  const found = folders.map((folder) => join(folder, 'nats-server')).find(isExecutable);
  if (found) return found;
  throw new Error(
    'No nats-server was found in PATH: install it (Debian: apt-get install nats-server; macOS: brew install ' +
      'nats-server; otherwise https://github.com/nats-io/nats-server/releases) or name its file in TERABUS_NATS_SERVER.',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
