import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const PATIENCE_MS = 10_000;
const LOOK_EVERY_MS = 3;

/** The log of a nats-server: a file that it writes and we read. */
export class ServerLog {
  readonly #file: string;
  #kept: string | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  get text(): string {
    return this.#kept ?? readFileSync(this.#file, 'utf8');
  }

  /** Takes the text into memory, because the file goes. */
  keep(): void {
    this.#kept ??= this.text;
  }

  /** Calls `use` with a descriptor for a process's output. */
  whileOpen<T>(use: (descriptor: number) => T): T {
    const descriptor = openSync(this.#file, 'a');
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * Resolves with what `pattern` finds behind the first `from` characters. Rejects when that is not there after ten
   * seconds, or when the server has ended without it.
   */
  async until(pattern: RegExp, from: number, hasEnded: () => boolean): Promise<RegExpExecArray> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      // Asked first: what the server wrote before its end is then in the file.
      const ended = hasEnded();
      const found = pattern.exec(this.text.slice(from));
      if (found) return found;
      if (ended) throw new Error(`the nats-server ended\n${this.text.slice(from)}`);
      if (performance.now() > deadline) {
        throw new Error(`the nats-server did not log ${pattern} within ${PATIENCE_MS} ms\n${this.text.slice(from)}`);
      }
      await wait(LOOK_EVERY_MS);
    }
  }
}
