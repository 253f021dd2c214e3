import { writeSync } from 'node:fs';

/** What may wait for a reader. Lines beyond are dropped, the newest first, and counted. */
const MOST_WAITING_BYTES = 1_048_576;

/** The number that pino gives this level. */
const WARN = 40;

/** How soon a pipe that was full is tried again: at once for a reader that reads, and growing for one that does not. */
const AGAIN_MS = 1;
const LATER_MS = 50;

/** At its end a process waits for a reader this often, for so long: one second, then what waits is lost. */
const LAST_TRIES = 100;
const LAST_PAUSE_MS = 10;

/** Writes bytes and says how many of them, or throws as Node's `writeSync` does. */
export type WriteSome = (bytes: Uint8Array) => number;

/**
 * Where lines of log go that may have no reader: it never waits for one. A line is written at once while there is room
 * in the pipe, so that a process that crashes has written what it had to say; else it waits, within limits. Whoever
 * reads again is told how many lines are missing.
 */
export class LogDestination {
  readonly #writeSome: WriteSome;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Nobody will ever read. */
  #broken = false;

  constructor(writeSome: WriteSome) {
    this.#writeSome = writeSome;
  }

  write(line: string): void {
    if (this.#broken) return;
    const bytes = Buffer.from(line);
    const hasRoom = () => this.#waitingBytes + bytes.length <= MOST_WAITING_BYTES;
    if (!hasRoom()) this.#flush();
    if (!hasRoom()) {
      this.#dropped += 1;
      return;
    }
    this.#push(bytes);
    if (this.#timer === undefined) this.#pump(AGAIN_MS);
  }

  /** Writes what waits; waits for a reader, but no longer than a second. For the end of a process. */
  end(): void {
    for (let tries = 0; !this.#flush() && tries < LAST_TRIES; tries += 1) sleep(LAST_PAUSE_MS);
  }

  #push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #pump(againMs: number): void {
    this.#timer = undefined;
    const waitingBytes = this.#waitingBytes;
    if (this.#flush()) return;
    const nextMs = this.#waitingBytes < waitingBytes ? AGAIN_MS : Math.min(LATER_MS, againMs * 2);
    this.#timer = setTimeout(() => this.#pump(nextMs), againMs);
    this.#timer.unref();
  }

  /** Whether nothing waits any more. */
  #flush(): boolean {
    try {
      for (let bytes = this.#next(); bytes !== undefined; bytes = this.#next()) {
        const written = this.#writeSome(bytes);
        this.#waitingBytes -= written;
        if (written === bytes.length) this.#waiting.shift();
        else this.#waiting[0] = bytes.subarray(written);
      }
      clearTimeout(this.#timer);
      this.#timer = undefined;
      return true;
    } catch (error) {
      // Nobody reads at the moment, or the disk is full. Or nobody will ever read: there is nothing more to say.
      const { code } = error as NodeJS.ErrnoException;
      this.#broken = code === 'EPIPE' || code === 'EBADF';
      if (this.#broken) this.#waiting.length = 0;
      return this.#broken;
    }
  }

  #next(): Uint8Array | undefined {
    if (this.#waiting.length === 0 && this.#dropped > 0) {
      const msg = `${this.#dropped} lines of log are missing here, since nobody read them in time`;
      this.#dropped = 0;
      this.#push(Buffer.from(`${JSON.stringify({ level: WARN, time: Date.now(), pid: process.pid, msg })}\n`));
    }
    return this.#waiting[0];
  }
}

const sleep = (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

let standardOutput: LogDestination | undefined;

/** Standard output of this process, for the logger that a host has by default. */
export function logOutput(): LogDestination {
  if (standardOutput === undefined) {
    // Node makes pipes and sockets of its standard output non-blocking as soon as somebody asks for it.
    // In a worker thread it has no descriptor of its own: that of the process is the same output.
    const descriptor = (process.stdout.fd as number | undefined) ?? 1;
    const destination = new LogDestination((bytes) => writeSync(descriptor, bytes));
    process.once('exit', () => destination.end());
    standardOutput = destination;
  }
  return standardOutput;
}
