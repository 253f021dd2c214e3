import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PartMessage } from './part-process.js';
import type { PartName } from './parts.js';
import type { Report } from './sighting.js';
import type { Pace } from './start-part.js';

/** Longer than this a part may not take to end; it should need a fraction of it. */
const STOP_TIMEOUT_MS = 5_000;

/** A service in a process of its own. */
export class Part {
  readonly name: PartName;
  readonly #child: ChildProcess;
  readonly #exited: Promise<string>;
  readonly #ready: Promise<void>;
  #stopping = false;

  constructor(name: PartName, pace: Pace, env: NodeJS.ProcessEnv, report: Report) {
    this.name = name;
    this.#child = fork(fileURLToPath(new URL('./part-process.js', import.meta.url)), [name, JSON.stringify(pace)], {
      env,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit').then(([code, signal]) => `${signal ?? `code ${code}`}`);
    this.#ready = new Promise((resolve, reject) => {
      this.#child.on('message', (message: PartMessage) => {
        if (message.kind === 'ready') resolve();
        else report(message);
      });
      void this.#exited.then((how) => reject(new Error(`${name} could not start (${how})`)));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the service takes messages. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Resolves with a sentence when the process ends and nobody had asked it to. */
  get broken(): Promise<string> {
    return this.#exited.then((how) => (this.#stopping ? new Promise(() => {}) : `${this.name} ended by ${how}`));
  }

  /** Lets the service drain. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // It may be ending already, by itself: what can't be sent then is no failure.
    if (this.#child.connected) this.#child.send('stop', () => {});
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(impatience);
  }
}
