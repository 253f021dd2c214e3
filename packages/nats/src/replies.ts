import type { BusError, Inbound } from '@terabus/core/transport';

/** How a request ends. `lost` says that it had been sent when the way back of its answer ended: nobody knows more. */
export type Settle = (answer: Inbound | BusError, lost: boolean) => void;

/** A request that waits for its answer. */
export interface Waiting {
  readonly topic: string;
  readonly settle: Settle;
}

/**
 * The requests of a connection that wait for their answers, by number. A map of our own over one subscription makes
 * about twice the calls per second that the client's own requests do, which have a timer each.
 */
export class Replies {
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  /** Starts to wait. The key goes into the reply subject; it is never used twice. */
  add(topic: string, settle: Settle): string {
    this.#count += 1;
    const key = this.#count.toString(36);
    this.#waiting.set(key, { topic, settle });
    return key;
  }

  /** Ends the wait: undefined when nobody waits, and the answer is late. */
  take(key: string): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) this.#waiting.delete(key);
    return waiting;
  }

  /** The keys of all that wait at this moment. */
  get keys(): readonly string[] {
    return [...this.#waiting.keys()];
  }
}
