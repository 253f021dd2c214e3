import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Methods, Question } from './child-process.js';

/** Options of {@link Child.start}. */
export interface ChildOptions {
  /** Of Node, such as `--expose-gc`. */
  readonly nodeOptions?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

type Argument<M extends Methods, K extends keyof M> = Parameters<M[K]> extends [infer A] ? [A] : [];

/** A program in a process of its own, whose functions (see `serve`) are called from here. */
export class Child<M extends Methods> {
  readonly process: ChildProcess;
  /** What it wrote on standard error, the last of it. */
  errors = '';
  readonly ended: Promise<void>;
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.process = child;
    this.ended = once(child, 'exit').then(([code, signal]) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the process ended with ${code ?? signal}\n${this.errors}`));
      }
      this.#waiting.clear();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors = (this.errors + text).slice(-4_000);
    });
    child.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
  }

  /** Resolves when the program can be called. */
  static async start<M extends Methods>(file: URL, { nodeOptions = [], env = {} }: ChildOptions = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !/^(?:TERABUS_(?!TMP)|NATS_URL$)/.test(name));
    const child = new Child<M>(
      fork(fileURLToPath(file), [], {
        execArgv: [...nodeOptions],
        env: { ...Object.fromEntries(inherited), ...env },
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      }),
    );
    await new Promise((resolve, reject) => child.#waiting.set(0, { resolve, reject }));
    return child;
  }

  /** Calls one of its functions; rejects with what it threw, or when it ends first. */
  call<K extends keyof M & string>(method: K, ...[argument]: Argument<M, K>): Promise<Awaited<ReturnType<M[K]>>> {
    if (!this.process.connected) return Promise.reject(new Error(`the process has ended\n${this.errors}`));
    this.#lastId += 1;
    const question: Question = { id: this.#lastId, method, argument };
    return new Promise((resolve, reject) => {
      this.#waiting.set(question.id, { resolve: resolve as (result: unknown) => void, reject });
      this.process.send(question, (error) => {
        if (error !== null && this.#waiting.delete(question.id)) reject(error);
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Ends it at once, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}
