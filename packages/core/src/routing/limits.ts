/** How much may wait in a queue of work. Where one of the two is reached, nothing more is taken in. */
export interface QueueLimits {
  /** How many messages or calls. */
  readonly maxQueued: number;
  /** How many bytes of them, as they came over the wire, with their headers. */
  readonly maxQueuedBytes: number;
}

/** A limit of a queue, by the name of the option that sets it. */
export type QueueLimit = keyof QueueLimits;

/**
 * 4,096 messages are what a handler of 10 ms needs 40 s for: whoever is further behind does not catch up by waiting.
 * 16 MiB are what keeps a process with a dozen full queues of large messages below the memory of a small container.
 */
export const DEFAULT_LIMITS: QueueLimits = { maxQueued: 4_096, maxQueuedBytes: 16_777_216 };

/** A limit for sentences: `4096 messages (maxQueued)`. */
export const limitReached = (limit: QueueLimit, limits: QueueLimits, what = 'messages'): string =>
  limit === 'maxQueued' ? `${limits.maxQueued} ${what} (maxQueued)` : `${limits.maxQueuedBytes} bytes (maxQueuedBytes)`;
