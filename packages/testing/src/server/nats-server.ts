import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from './find-binary.js';
import { waitUntilReady } from './ready.js';
import { Watchdog } from './watchdog.js';

/** A server that takes longer than this to end by itself is killed. */
const STOP_TIMEOUT_MS = 5_000;

/** Options of {@link startNatsServer}. */
export interface NatsServerOptions {
  /** With JetStream, its files in the server's own directory. Defaults to false, which starts faster. */
  readonly jetstream?: boolean;
  /** The TCP port on 127.0.0.1. By default the server takes a free one itself, so that nobody can take it first. */
  readonly port?: number;
  /** Text for the server's configuration file, such as its users. Nothing by default. */
  readonly configuration?: string;
}

/** A nats-server of one's own, on 127.0.0.1. It never outlives the process that started it. */
export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** The process id of the server itself. */
  readonly pid: number;
  /** Its temporary directory: configuration, log, JetStream's files. Removed by {@link NatsServer.stop}. */
  readonly directory: string;
  /** Resolves when the server is gone, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends the server as an operator would (SIGTERM) and removes its directory. Calling it again does nothing. */
  stop(): Promise<void>;
  /** Kills the server (SIGKILL); its directory stays until {@link NatsServer.stop}. Resolves when it is gone. */
  kill(): Promise<void>;
  /** What the server has logged so far; also after its end. */
  log(): string;
}

/**
 * Starts a nats-server and resolves when it answers clients. Its directory lies in `TERABUS_TMP`, else in the
 * system's folder for temporary files.
 *
 * Throws an `Error` when no binary is found (see {@link findNatsServer}), and one with the server's log when it
 * does not start.
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const binary = findNatsServer();
  const { TERABUS_TMP } = process.env;
  const directory = await mkdtemp(join(TERABUS_TMP || tmpdir(), 'terabus-nats-'));
  const watchdog = new Watchdog(directory);
  try {
    return await launch(binary, directory, watchdog, options);
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

async function launch(
  binary: string,
  directory: string,
  watchdog: Watchdog,
  { jetstream = false, port: wantedPort = -1, configuration = '' }: NatsServerOptions,
): Promise<NatsServer> {
  const configurationFile = join(directory, 'server.conf');
  await writeFile(configurationFile, configuration);
  const args = ['-c', configurationFile, '-a', '127.0.0.1', '-p', `${wantedPort}`, '--ports_file_dir', directory];
  if (jetstream) args.push('-js', '-sd', join(directory, 'jetstream'));

  const logFile = join(directory, 'log');
  const logDescriptor = openSync(logFile, 'a');
  const child = watchdog.start(binary, args, logDescriptor);
  closeSync(logDescriptor);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));

  const port = await waitUntilReady(child, directory).catch((cause: Error) => {
    throw new Error(`${binary} did not start: ${cause.message}\n${readFileSync(logFile, 'utf8')}`, { cause });
  });

  let lastLog: string | undefined;
  const log = () => lastLog ?? readFileSync(logFile, 'utf8');

  const end = async (...signals: NodeJS.Signals[]) => {
    child.ref();
    for (const signal of signals) child.kill(signal);
    await exited;
  };

  const stop = async () => {
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    // A stopped process takes no SIGTERM before it is continued.
    await end('SIGTERM', 'SIGCONT');
    clearTimeout(impatience);
    lastLog = log();
    await watchdog.release();
  };

  let stopped: Promise<void> | undefined;
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: child.pid as number,
    directory,
    exited,
    stop: () => (stopped ??= stop()),
    kill: () => end('SIGKILL'),
    log,
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}
