import { BusError } from '@terabus/messages';
import type { Clock } from '../transport/clock.js';
import type { Stored, Streams } from '../transport/streams.js';
import { StoreLine, type StoreLineParts } from './store-line.js';
import type { Storing } from './storing.js';

/** What {@link StoreLines} is made of. */
export interface StoreLinesParts {
  readonly streams: () => Pick<Streams, 'store'>;
  readonly clock: Clock;
  /** Defaults to `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** On the way at a time, over all topics of a publisher: enough for 50,000 a second where an answer takes 20 ms. */
const MOST_MESSAGES = 1_024;
/** The same in bytes; the last one may go beyond it. Half of what a link to NATS lets be unconfirmed by default. */
const MOST_BYTES = 2 * 2 ** 20;

/**
 * Everything that a publisher stores: a line for each topic, and a limit for what all of them have on the way. What has
 * no room waits in its line. A topic that can't be stored holds no other one up.
 */
export class StoreLines {
  readonly #parts: StoreLinesParts;
  readonly #lines = new Map<string, StoreLine>();
  /** Those that have something to send, in order of their turns. */
  readonly #ready = new Set<StoreLine>();
  #messages = 0;
  #bytes = 0;
  #sending = false;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(parts: StoreLinesParts) {
    this.#parts = parts;
  }

  /** Resolves when the stream has it. What is given for one topic lies in its stream in this order. */
  async store(storing: Storing): Promise<Stored> {
    if (this.#closed) throw closedError(storing.topic);
    const { subject } = storing.message;
    let line = this.#lines.get(subject);
    if (line === undefined) {
      line = this.#newLine(subject);
      this.#lines.set(subject, line);
    }
    return line.add(storing);
  }

  /** Resolves as soon as nothing is being stored. */
  settled(): Promise<void> {
    if (this.#lines.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The link is back: what waits for another try need not wait much longer. */
  wake(): void {
    for (const line of this.#lines.values()) line.wake();
  }

  /** There is no connection any more: all that is not stored is given up. */
  close(): void {
    this.#closed = true;
    for (const [subject, line] of [...this.#lines]) line.close(closedError(subject));
  }

  #newLine(subject: string): StoreLine {
    const { clock, random = Math.random, streams } = this.#parts;
    const parts: StoreLineParts = {
      clock,
      random,
      store: async ({ message }, timeoutMs) => streams().store(message, timeoutMs),
      ready: (line) => {
        this.#ready.add(line);
        this.#send();
      },
      landed: (bytes) => {
        this.#messages -= 1;
        this.#bytes -= bytes;
        this.#send();
      },
      empty: () => {
        this.#lines.delete(subject);
        if (this.#lines.size > 0) return;
        for (const resolve of this.#waiters.splice(0)) resolve();
      },
    };
    return new StoreLine(parts);
  }

  #send(): void {
    // A line that has sent one says at once whether it has another.
    if (this.#sending || this.#closed) return;
    this.#sending = true;
    for (const line of this.#ready) {
      if (this.#messages >= MOST_MESSAGES || this.#bytes >= MOST_BYTES) break;
      this.#ready.delete(line);
      const bytes = line.send();
      if (bytes === undefined) continue;
      this.#messages += 1;
      this.#bytes += bytes;
    }
    this.#sending = false;
  }
}

const closedError = (topic: string): BusError =>
  new BusError(`the message for '${topic}' was not stored: the connection is closed`, { reason: 'TERABUS_CLOSED' });
