/** The most that one request asks for. */
const MOST_AT_ONCE = 10_000;

/** What the first one asks for, which finds out how large messages are. */
const FIRST_BATCH = 8;

/** What a server counts beside a message: its subject, and that of its acknowledgement. */
const OVERHEAD_BYTES = 300;

/** By how much a message that was large counts less with each smaller one behind it. */
const FORGETTING = 0.99;

/** Of all that may be unsettled, what has to be free for a request beside one that runs: less is not worth a request. */
const WORTH_ASKING = 1 / 4;

/** What is asked for, or still to come of that. */
export interface Share {
  readonly messages: number;
  /** Undefined where the server was told of no limit. */
  readonly bytes: number | undefined;
}

/** How much a consumer may hand out: what is unsettled takes its room, and what was asked for. */
export class Room {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #messages = 0;
  #bytes = 0;
  /** About the largest of the last messages, when there was one. */
  #size: number | undefined;
  /** Whether the next message is larger than the room that was left, so that it has to come alone. */
  #large = false;

  constructor({
    maxUnsettled,
    maxUnsettledBytes,
  }: { readonly maxUnsettled: number; readonly maxUnsettledBytes: number }) {
    this.#maxMessages = maxUnsettled;
    this.#maxBytes = maxUnsettledBytes;
  }

  /** A message came. */
  taken(size: number): void {
    this.#size = Math.max(size + OVERHEAD_BYTES, (this.#size ?? 0) * FORGETTING);
    this.#messages += 1;
    this.#bytes += size;
  }

  settled(size: number): void {
    this.#messages -= 1;
    this.#bytes -= size;
  }

  /** The next message did not fit into what was asked for. */
  tooSmall(): void {
    this.#large = true;
  }

  /**
   * What to ask for, where `coming` is still to come of a request that runs. Undefined where there is no room, or too
   * little for one more request. What comes of both is never more than there is room for.
   */
  share(coming: Share | undefined): Share | undefined {
    const messages = this.#maxMessages - this.#messages - (coming?.messages ?? 0);
    const bytes = this.#maxBytes - this.#bytes - (coming === undefined ? 0 : (coming.bytes ?? this.#maxBytes));
    if (messages <= 0 || bytes <= 0) return undefined;
    const size = this.#size;
    if (coming !== undefined) {
      if (size === undefined || this.#large || messages < this.#maxMessages * WORTH_ASKING || bytes < 2 * size) {
        return undefined;
      }
    }
    const fitting = this.#large ? 1 : size === undefined ? FIRST_BATCH : Math.floor(bytes / size);
    const batch = Math.max(1, Math.min(messages, fitting, MOST_AT_ONCE));
    this.#large = false;
    // The bytes are a last resort: where they end a request, servers of 2.9 forget the message that was too large, if it
    // was handed out before, until its time is over.
    if (batch === 1) return { messages: batch, bytes: undefined };
    // Where half of the room is plenty, the other half is for a request beside it.
    const half = Math.floor(this.#maxBytes / 2);
    return { messages: batch, bytes: batch * (size ?? half) < half ? Math.min(half, bytes) : bytes };
  }
}
