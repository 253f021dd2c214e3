import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const START_TIMEOUT_MS = 10_000;
/** Between two looks at the file; a server needs some 20 ms to start. */
const LOOK_EVERY_MS = 3;

/** What a nats-server writes into `--ports_file_dir` once it listens. */
interface PortsFile {
  readonly nats: readonly string[];
}

/**
 * Resolves with the port of a nats-server when it has said where it listens and greets a client with its INFO.
 * Rejects with an `Error` when it ends or needs more than 10 seconds.
 */
export async function waitUntilReady(server: ChildProcess, directory: string): Promise<number> {
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  const file = join(directory, `nats-server_${server.pid}.ports`);
  for (;;) {
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`it ended with ${server.exitCode ?? server.signalCode}`);
    }
    if (deadline.aborted) throw new Error(`it was not ready after ${START_TIMEOUT_MS} ms`);
    const port = await portIn(file);
    if (port !== undefined && (await greets(port, deadline))) return port;
    await pause(LOOK_EVERY_MS);
  }
}

async function portIn(file: string): Promise<number | undefined> {
  try {
    const { nats } = JSON.parse(await readFile(file, 'utf8')) as PortsFile;
    return Number(new URL(nats[0] as string).port);
  } catch {
    return undefined; // not there yet, or half written
  }
}

async function greets(port: number, signal: AbortSignal): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    const [greeting] = await once(socket, 'data', { signal });
    return String(greeting).startsWith('INFO ');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
