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
  /**
   * What ended is taken out of its holder too: tables that a map has grown out of keep their holders from being collected, and
   * would keep whole calls.
   */
  readonly #waiting = new Map<number, { request: Waiting | undefined }>();
  #count = 0;

  /** Starts to wait. The key goes into the reply subject; it is never used twice. */
  add(topic: string, settle: Settle): number {
    this.#count += 1;
    this.#waiting.set(this.#count, { request: { topic, settle } });
    return this.#count;
  }

  /** Ends the wait: undefined when nobody waits, and the answer is late. */
  take(key: number): Waiting | undefined {
    const holder = this.#waiting.get(key);
    if (holder === undefined) return undefined;
    this.#waiting.delete(key);
    const { request } = holder;
    holder.request = undefined;
    return request;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  /** The keys of all that wait at this moment. */
  get keys(): readonly number[] {
    return [...this.#waiting.keys()];
  }
}
