import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { NatsServer, NatsServerOptions } from './nats-server.js';
import { waitUntilReady } from './ready.js';
import { ServerLog } from './server-log.js';
import { untilStandingStill } from './stand-still.js';
import type { Watchdog } from './watchdog.js';

/** A server that takes longer than this to end by itself is killed. */
const STOP_TIMEOUT_MS = 5_000;
/** For how long a restart waits for its port: a client that dials it while nobody listens may have got it itself. */
const PORT_TIMEOUT_MS = 10_000;
const PORT_AGAIN_MS = 20;

export class LaunchedServer implements NatsServer {
  readonly directory: string;
  readonly #binary: string;
  readonly #watchdog: Watchdog;
  readonly #options: NatsServerOptions;
  readonly #mainFile: string;
  readonly #configurationFile: string;
  readonly #settings: string;
  readonly #log: ServerLog;
  #port: number;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #restarting: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;

  /** `settings` are those of the launcher itself, which stay through every reload. */
  constructor(binary: string, directory: string, watchdog: Watchdog, options: NatsServerOptions, settings = '') {
    this.#binary = binary;
    this.directory = directory;
    this.#watchdog = watchdog;
    this.#options = options;
    this.#port = options.port ?? -1;
    this.#settings = settings;
    this.#mainFile = join(directory, 'launcher.conf');
    this.#configurationFile = join(directory, 'server.conf');
    this.#log = new ServerLog(join(directory, 'log'));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child?.pid as number;
  }

  get exited(): Promise<void> {
    return this.#exited;
  }

  async start(): Promise<void> {
    await writeFile(this.#configurationFile, this.#options.configuration ?? '');
    await writeFile(this.#mainFile, this.#main());
    await this.#launch();
  }

  log(): string {
    return this.#log.text;
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  restart(): Promise<void> {
    const restarted = this.#restarting.then(() => this.#restart());
    this.#restarting = restarted.catch(() => undefined);
    return restarted;
  }

  async pause(): Promise<void> {
    this.#signal('SIGSTOP');
    await untilStandingStill(this.pid);
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  async reload(configuration: string): Promise<void> {
    const before = await readFile(this.#configurationFile, 'utf8');
    await writeFile(this.#configurationFile, configuration);
    try {
      const [line, refusal] = await this.#signalAndRead('SIGHUP', /^.*(Reloaded server|Failed to reload).*$/m);
      if (refusal === 'Failed to reload') throw new Error(`the nats-server refused the configuration: ${line}`);
    } catch (error) {
      await writeFile(this.#configurationFile, before);
      throw error;
    }
  }

  async lameDuck(): Promise<void> {
    await this.#signalAndRead('SIGUSR2', /Entering lame duck mode/);
  }

  /** JetStream stands here and not on the command line: a reload would switch it off. */
  #main(): string {
    const jetstream = this.#options.jetstream ? `jetstream { store_dir: ${JSON.stringify(this.directory)} }\n` : '';
    return `${jetstream}${this.#settings}include "./server.conf"\n`;
  }

  async #launch(): Promise<void> {
    const address = ['-a', '127.0.0.1', '-p', `${this.#port}`, '--ports_file_dir', this.directory];
    const args = ['-c', this.#mainFile, ...address];
    const child = this.#log.whileOpen((descriptor) => this.#watchdog.start(this.#binary, args, descriptor));
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    this.#port = await waitUntilReady(child, this.directory).catch((cause: Error) => {
      throw new Error(`${this.#binary} did not start: ${cause.message}\n${this.log()}`, { cause });
    });
  }

  async #restart(): Promise<void> {
    this.#refuseStopped();
    if (this.#isRunning) await this.#endGently();
    const deadline = performance.now() + PORT_TIMEOUT_MS;
    for (;;) {
      this.#refuseStopped();
      const logged = this.log().length;
      try {
        return await this.#launch();
      } catch (error) {
        if (this.#isRunning) await this.kill();
        const isTaken = this.log().slice(logged).includes('address already in use');
        if (!isTaken || performance.now() > deadline) throw error;
      }
      await wait(PORT_AGAIN_MS);
    }
  }

  async #stop(): Promise<void> {
    await this.#restarting;
    await this.#endGently();
    this.#log.keep();
    await this.#watchdog.release();
  }

  async #endGently(): Promise<void> {
    const impatience = setTimeout(() => this.#child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    // A stopped process takes no SIGTERM before it is continued.
    await this.#end('SIGTERM', 'SIGCONT');
    clearTimeout(impatience);
  }

  async #end(...signals: NodeJS.Signals[]): Promise<void> {
    this.#child?.ref();
    for (const signal of signals) this.#child?.kill(signal);
    await this.#exited;
  }

  get #isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  #refuseStopped(): void {
    if (this.#stopped) throw new Error('the nats-server was stopped, and its directory is gone: start another one.');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#isRunning && this.#child?.kill(signal)) return;
    throw new Error('the nats-server does not run: restart() starts it again.');
  }

  #signalAndRead(signal: NodeJS.Signals, pattern: RegExp): Promise<RegExpExecArray> {
    const { length } = this.log();
    const child = this.#child;
    this.#signal(signal);
    return this.#log.until(pattern, length, () => child?.exitCode !== null || child?.signalCode !== null);
  }
}
