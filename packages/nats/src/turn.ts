/**
 * Calls `next` when the event loop has turned, which does not sleep then. What fails at once fails in this way: whoever tries again in a
 * loop would else keep sockets and timers from their turn, and with them the link from coming back.
 */
export function afterTurn(next: () => void): void {
  setImmediate(next);
}

/** A rejection {@link afterTurn}. */
export function rejectedAfterTurn(error: unknown): Promise<never> {
  return new Promise((_, reject) => afterTurn(() => reject(error)));
}

/** One rejection for all who meet it before the event loop turns: an error for each would be most of what a flood costs. */
export class SharedRejection {
  #current: Promise<never> | undefined;

  with(error: () => unknown): Promise<never> {
    if (!this.#current) {
      this.#current = rejectedAfterTurn(error());
      afterTurn(() => {
        this.#current = undefined;
      });
    }
    return this.#current;
  }
}
