import type { BusError } from '@terabus/messages';
import type { Depot } from './depot.js';
import type { Inbox, InboxWork } from './inbox.js';
import { KeyValueInbox } from './key-value-inbox.js';
import { retryDelayMs } from './retry-delay.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** Calls a handler through an inbox, and knows whether what failed then was the handler. */
export class Once {
  readonly #inbox: Inbox;
  readonly #depot: Depot;
  /** Another inbox may refuse to commit what a handler did: that is its failure, and it has to end. */
  readonly #bucket: KeyValueInbox | undefined;
  /** Whether it is the inbox that is asked, before the handler or behind it: what fails then is no try of it. */
  #asking = false;
  /** What is being done, of which somebody else may wait for the end. */
  #work: InboxWork | undefined;
  /** How often that failed in a row. */
  #unanswered = 0;

  constructor(inbox: Inbox, depot: Depot) {
    this.#inbox = inbox;
    this.#depot = depot;
    this.#bucket = inbox instanceof KeyValueInbox ? inbox : undefined;
  }

  /** Resolves with whether it called. */
  async run(work: InboxWork, handle: () => unknown): Promise<boolean> {
    this.#asking = this.#bucket === undefined;
    this.#work = undefined;
    const handled = async () => {
      this.#work = work;
      if (this.#bucket === undefined) {
        this.#asking = false;
        this.#depot.marked();
      }
      await handle();
    };
    const called = await (this.#bucket?.once(work, handled, (asking) => {
      this.#asking = asking;
    }) ?? this.#inbox.once(work, handled));
    this.#depot.marked();
    return called;
  }

  /** The handler is not waited for any more: neither is it by other copies. */
  abandoned(): void {
    if (this.#work !== undefined) this.#bucket?.abandon(this.#work);
  }

  /** For how long to wait before the inbox is asked again; undefined where it was the handler that failed. */
  waitMs(error: BusError): number | undefined {
    if (!this.#asking) {
      this.#unanswered = 0;
      return undefined;
    }
    this.#unanswered += 1;
    this.#depot.notMarked(error);
    return Math.min(LONGEST_WAIT_MS, retryDelayMs(this.#unanswered, FIRST_WAIT_MS));
  }
}
