import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { Child } from '../../soak/run/child.js';
import type { Methods } from '../../soak/run/child-process.js';
import type { Row } from '../cases/case.js';
import { bytesOf } from '../process/content.js';
import type { ContenderMethods, Opening } from '../process/serve-contender.js';
import { AwakeCores } from './awake-cores.js';
import { programs } from './contenders.js';
import type { Sample } from './sample.js';
import { cpuOf } from './server-cpu.js';

/** So many events may be on their way at most, and so many bytes of them: less than anybody's limits. */
const MOST_EVENTS = 8_192;
const MOST_BYTES = 4 * 2 ** 20;
/** How often a subscriber tells how much has arrived, within a window. */
const TELLS = 8;

/** A nats-server and processes of one contender, for one round of one row. */
export class Stage implements AsyncDisposable {
  readonly #row: Row;
  readonly #folder: string;
  readonly #server: NatsServer | undefined;
  readonly #children: { kill(): Promise<void> }[] = [];
  readonly #awake: AwakeCores | undefined;

  private constructor(row: Row, folder: string, server: NatsServer | undefined) {
    this.#row = row;
    this.#folder = folder;
    this.#server = server;
    this.#awake = row.setting.awake ? new AwakeCores() : undefined;
  }

  static async open(row: Row, { server = true, jetstream = false } = {}): Promise<Stage> {
    const folder = await mkdtemp(join(process.env['TERABUS_TMP'] || tmpdir(), 'bench-'));
    return new Stage(row, folder, server ? await startNatsServer({ jetstream }) : undefined);
  }

  get url(): string {
    if (this.#server === undefined) throw new Error('this stage has no server');
    return this.#server.url;
  }

  /** Runs something, and tells with it what the server needed for each of so many messages, where that is known. */
  async serverCpu<T>(messages: number, run: () => Promise<T>): Promise<{ result: T; values: Sample['values'] }> {
    const pid = this.#server?.pid;
    const before = pid === undefined ? undefined : cpuOf(pid);
    const result = await run();
    const after = pid === undefined ? undefined : cpuOf(pid);
    if (before === undefined || after === undefined) return { result, values: {} };
    return { result, values: { serverCpu: (after - before) / messages } };
  }

  /** How many events may be on their way. */
  get window(): number {
    const { payload } = this.#row.setting;
    return Math.min(MOST_EVENTS, Math.floor(MOST_BYTES / bytesOf(payload)));
  }

  /** What the processes are told; without a window where calls are made. */
  opening(windowed: boolean): Opening {
    const creditStep = windowed ? this.window / TELLS : 0;
    return { url: this.url, setting: this.#row.setting, creditPath: join(this.#folder, 'credit'), creditStep };
  }

  /** Starts a process of the contender. */
  contender(): Promise<Child<ContenderMethods>> {
    return this.program<ContenderMethods>(programs[this.#row.contender]);
  }

  async program<M extends Methods>(file: URL): Promise<Child<M>> {
    const child = await Child.start<M>(file, { nodeOptions: ['--expose-gc'] });
    this.#children.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#awake?.kill();
    await Promise.all(this.#children.map((child) => child.kill()));
    await this.#server?.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
