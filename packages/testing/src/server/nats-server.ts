import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from './find-binary.js';
import { LaunchedServer } from './launched-server.js';
import { Watchdog } from './watchdog.js';

/** Options of {@link startNatsServer}. */
export interface NatsServerOptions {
  /**
   * With JetStream. Its files lie in the server's own directory and stay there over `kill`, `restart` and `reload`. Defaults
   * to false, which starts faster.
   */
  readonly jetstream?: boolean;
  /** The TCP port on 127.0.0.1. By default the server takes a free one itself, so that nobody can take it first. */
  readonly port?: number;
  /** Text for the server's configuration file, such as its users; not for JetStream and clusters. Nothing by default. */
  readonly configuration?: string;
}

/** A nats-server of one's own, on 127.0.0.1. It never outlives the process that started it. */
export interface NatsServer extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** The process id of the server itself: the one that runs, or that ran last. */
  readonly pid: number;
  /** Its temporary directory: configuration, log, JetStream's files. Removed by {@link NatsServer.stop}. */
  readonly directory: string;
  /** Resolves when the server that {@link NatsServer.pid} names is gone, whoever ended it. */
  readonly exited: Promise<void>;
  /** Ends the server as an operator would (SIGTERM) and removes its directory. Calling it again does nothing. */
  stop(): Promise<void>;
  /** Kills the server (SIGKILL); its directory stays until {@link NatsServer.stop}. Resolves when it is gone. */
  kill(): Promise<void>;
  /**
   * Starts the server again, on the same port and with the same directory and configuration, and resolves when it
   * answers clients. One that still runs is ended first, as an operator would. As often as one likes, but not after
   * {@link NatsServer.stop}.
   */
  restart(): Promise<void>;
  /** Makes the server hang (SIGSTOP): it stays connected and does nothing. Resolves when all its threads stand still. */
  pause(): Promise<void>;
  /** Lets a server that was paused go on (SIGCONT). */
  resume(): void;
  /**
   * Replaces the text of the configuration file and lets the server read it again (SIGHUP). Resolves when it has. Rejects
   * with an `Error` that has the server's own words when it refuses; it then goes on with the configuration it had, which
   * is also what the file has again.
   */
  reload(configuration: string): Promise<void>;
  /**
   * Lame duck mode (SIGUSR2): the server takes no new clients, tells those it has to go elsewhere, and ends by itself;
   * at once without clients, otherwise after its `lame_duck_duration`. Resolves when it has begun.
   */
  lameDuck(): Promise<void>;
  /** What the server has logged so far, over all restarts; also after its end. */
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
  return launch(options);
}

/** Starts one with settings of the launcher's own in its configuration. */
export async function launch(options: NatsServerOptions, settings?: string): Promise<LaunchedServer> {
  const binary = findNatsServer();
  const { TERABUS_TMP } = process.env;
  const directory = await mkdtemp(join(TERABUS_TMP || tmpdir(), 'terabus-nats-'));
  const watchdog = new Watchdog(directory);
  const server = new LaunchedServer(binary, directory, watchdog, options, settings);
  try {
    await server.start();
    return server;
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}
