/**
 * What the handling of one message hands on to the messages and calls that it starts: how much time is left, whether
 * anybody still wants the answer, and where it all began. `context.publish`, `context.send` and `context.client`
 * carry it; `this.publish` and `this.client` start a new chain.
 */
export interface Chain {
  /** The id of the message that is being handled. */
  readonly messageId: string | undefined;
  /** When the handling must have ended, on `clock.elapsed()`; Infinity where nobody waits. */
  readonly deadline: number;
  /** Why the handling is no longer wanted; undefined while it is. */
  readonly aborted: Error | undefined;
  /** W3C trace context, handed on unread. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /**
   * Calls back once, when the handling is no longer wanted, until the function is called that it returns. A signal for each
   * message costs more than all else that a call does. Undefined where it always is wanted.
   */
  onAbort?(callback: (reason: Error) => void): () => void;
  /**
   * The id of the next message to a durable topic, where a second run of the handler has to come to the same. Without it
   * each message gets a new one.
   */
  nextMessageId?(): string;
  /** Told of each message that is about to be published, with the promise that its publisher gets. */
  started?(publishing: Promise<unknown>): void;
}

/** The chain of what nobody's message caused. */
export const NEW_CHAIN: Chain = Object.freeze({
  messageId: undefined,
  deadline: Number.POSITIVE_INFINITY,
  aborted: undefined,
  traceparent: undefined,
  tracestate: undefined,
});
