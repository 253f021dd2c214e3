import { BusError, type Reason } from '@terabus/messages';
import type { Timer } from '../transport/clock.js';
import type { Stored, StoreMessage } from '../transport/streams.js';

/** A message that is to be stored. */
export interface Storing {
  /** As OpenTera spells it. */
  readonly topic: string;
  readonly message: StoreMessage;
  /** With its headers, in bytes. */
  readonly size: number;
  readonly timeoutMs: number;
  /** When it is given up, on `clock.elapsed()`. */
  readonly deadline: number;
  /** Nothing else of its topic is on the way beside it. */
  readonly ordered: boolean;
}

/** After these no stream has the message, and may have it next time. */
const NOT_STORED: ReadonlySet<string | undefined> = new Set([
  'TERABUS_STREAM_UNAVAILABLE',
  'TERABUS_DISCONNECTED',
  'TERABUS_OVERLOADED',
]);

/** Whether the same message may be stored by the next attempt. A stream is not full for a moment: its publisher is told at once. */
export const canBeTriedAgain = ({ retryable, reason }: BusError): boolean =>
  retryable && reason !== 'TERABUS_STREAM_FULL';

/** Whether the message may be stored all the same. */
const isInDoubt = (error: BusError): boolean =>
  error.reason === 'TERABUS_CLOSED' || (canBeTriedAgain(error) && !NOT_STORED.has(error.reason));

/** One message in a line: what is known of it. */
export class Waiting {
  /** Its place in the line. */
  readonly n: number;
  readonly storing: Storing;
  readonly #resolve: (stored: Stored) => void;
  readonly #reject: (error: BusError) => void;
  /** At its deadline. */
  timer: Timer | undefined;
  attempts = 0;
  settled = false;
  /** An attempt of which nobody knows how it ended. */
  #unknown: BusError | undefined;
  #inDoubt = false;

  constructor(n: number, storing: Storing, resolve: (stored: Stored) => void, reject: (error: BusError) => void) {
    this.n = n;
    this.storing = storing;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    this.attempts += 1;
    this.#inDoubt = true;
  }

  /** An attempt failed. */
  failed(error: BusError): void {
    this.#inDoubt = false;
    if (isInDoubt(error)) this.#unknown = error;
  }

  stored(stored: Stored): void {
    this.#end();
    this.#resolve(stored);
  }

  /** Rejects with what is known: that it is not stored, or that nobody knows. */
  giveUp(error: BusError | undefined): void {
    const inDoubt = this.#inDoubt || this.#unknown !== undefined;
    this.#end();
    this.#reject(inDoubt ? this.#mayBeStored(this.#unknown ?? error) : this.#notStored(error));
  }

  #end(): void {
    this.settled = true;
    this.timer?.cancel();
  }

  #mayBeStored(cause: BusError | undefined): BusError {
    const { topic, timeoutMs, message } = this.storing;
    return new BusError(
      `nobody knows whether the message for '${topic}' was stored: ${this.#tries()} within ${timeoutMs} ms, and no word of one of them. To find out, publish it again with its 'messageId' '${message.messageId}'`,
      { reason: 'TERABUS_STORE_UNKNOWN', details: this.#details(), cause },
    );
  }

  #notStored(cause: BusError | undefined): BusError {
    // What no second try would change is said as it is.
    if (cause !== undefined && !canBeTriedAgain(cause)) return cause;
    const { topic, timeoutMs } = this.storing;
    const what = `the message for '${topic}' was not stored within ${timeoutMs} ms`;
    if (cause === undefined) {
      return new BusError(`${what}: too many were on their way before it`, {
        reason: 'TERABUS_OVERLOADED',
        details: this.#details(),
      });
    }
    // Of another message nobody may know. This one was not even sent.
    const reason = isInDoubt(cause) ? 'TERABUS_STREAM_UNAVAILABLE' : (cause.reason as Reason);
    return new BusError(`${what} (${this.#tries()}): ${cause.rawMessage}`, {
      reason,
      details: this.#details(),
      cause,
    });
  }

  #tries(): string {
    return this.attempts === 1 ? '1 try' : `${this.attempts} tries`;
  }

  #details() {
    const { topic, message } = this.storing;
    return { topic, stream: message.stream, messageId: message.messageId, attempts: this.attempts };
  }
}
