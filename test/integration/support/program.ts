import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of this folder in a process of its own. */
export class Program {
  readonly process: ChildProcess;
  /** All that it has written so far. */
  output = '';
  readonly #waiting: { text: string; resolve: () => void }[] = [];
  readonly #ended: Promise<number>;

  constructor(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(?:TERABUS_|NATS_URL$)/.test(name));
    const path = fileURLToPath(new URL(`./${file}`, import.meta.url));
    this.process = spawn(process.execPath, [path, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...Object.fromEntries(inherited), ...env },
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        for (const waiting of this.#waiting) if (this.output.includes(waiting.text)) waiting.resolve();
      });
    }
    this.#ended = once(this.process, 'close').then(([code]) => code as number);
  }

  /** Resolves when the program has written a text; rejects when it ends without. */
  async says(text: string): Promise<void> {
    if (this.output.includes(text)) return;
    const said = new Promise<void>((resolve) => this.#waiting.push({ text, resolve }));
    await Promise.race([
      said,
      this.#ended.then((code) => {
        if (!this.output.includes(text)) throw new Error(`ended with ${code} before it said ${text}:\n${this.output}`);
      }),
    ]);
  }

  /** The exit code, when all that it wrote was read. */
  ended(): Promise<number> {
    return this.#ended;
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }
}
