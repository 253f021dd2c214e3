import type { BusError, Inbound } from '@terabus/core/transport';

/** How a request ends. `lost` says that it had been sent when the way back of its answer ended: nobody knows more. */
export type Settle = (answer: Inbound | BusError, lost: boolean) => void;

interface Waiting {
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

  /** The topic that a waiting request was sent to; undefined when nobody waits: then the answer is late. */
  topicOf(key: string): string | undefined {
    return this.#waiting.get(key)?.topic;
  }

  /** Ends the wait, if it has not ended. */
  settle(key: string, answer: Inbound | BusError, lost = false): void {
    const request = this.#waiting.get(key);
    if (this.#waiting.delete(key)) request?.settle(answer, lost);
  }

  /** Stops waiting: a later answer is dropped. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }

  /** Ends all waits with one error. */
  settleAll(error: BusError): void {
    for (const key of [...this.#waiting.keys()]) this.settle(key, error, true);
  }
}
