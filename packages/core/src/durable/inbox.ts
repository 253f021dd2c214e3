import type { HandlerContext } from '../routing/context.js';

/** One message for one handler, as an {@link Inbox} remembers it. */
export interface InboxWork {
  /** Which work it is: the service, its group and the type. It outlives renamed methods. */
  readonly handler: string;
  /** The id that stays the same over redeliveries, retries and second copies of the message. */
  readonly messageId: string;
  /** The handler's context, by which it can find a transaction that the inbox opened for it. */
  readonly context: HandlerContext;
}

/**
 * Remembers which messages a handler has finished, so that `deduplicate` gives each to it once in effect. What a
 * crash between the effect and the mark means is the store's: one that marks in the effect's own transaction never
 * repeats an effect; any other repeats it.
 */
export interface Inbox {
  /**
   * Calls `handle` unless this work was finished before, and remembers that it is. Resolves with whether it called.
   * Rejects with what `handle` rejected with, or when the store fails; nothing is remembered then, and the message
   * is tried again. A failure before `handle` is called is not the handler's: it takes none of its tries.
   */
  once(work: InboxWork, handle: () => Promise<unknown>): Promise<boolean>;
}
