import type { BusError } from '@terabus/messages';
import type { Wrapper } from '../contract/contract.js';
import type { AnyContext } from '../routing/context.js';
import type { QueueLimit } from '../routing/limits.js';
import type { Verdict } from '../sequencing/verdict.js';
import type { Stored } from '../transport/streams.js';
import type { TransportEvent } from '../transport/transport-health.js';

/** Where something happened: part of every event. */
interface Place {
  /** The contract's address: `module.TeraServer.UserManagerModule`. */
  readonly service: string;
  readonly topic: string;
}

/** What the bus tells those who watch a host: for metrics, live views and tests. */
export type BusEvent =
  /** A message or call was taken in: it waits for its turn, and `handled` or `cut-off` will follow. */
  | (Place & {
      readonly kind: 'accepted';
      readonly handler: string;
      readonly type: string;
      /** It was tried before, and has kept its place since. */
      readonly again: boolean;
    })
  /** A handler began. One whose time was over before its turn, or whose arguments are bad, never does. */
  | (Place & {
      readonly kind: 'started';
      readonly handler: string;
      readonly type: string;
      readonly message: unknown;
      /** The same object as in the `handled` that follows. */
      readonly context: AnyContext;
    })
  /** A handler ran to its end, well or badly, or timed out. */
  | (Place & {
      readonly kind: 'handled';
      /** `Class.method`, or the name given to a subscription. */
      readonly handler: string;
      /** The full name of the message's type, the name of the method for RPC, `text` or `bytes`. */
      readonly type: string;
      /** The message, or the arguments of a call. */
      readonly message: unknown;
      /** What the handler was told beside it; also of one that never started. */
      readonly context: AnyContext;
      /** In milliseconds, from its start. */
      readonly durationMs: number;
      /** What went wrong; undefined when nothing did. */
      readonly error: BusError | undefined;
    })
  /** A timed-out handler did not end within `abandonAfterMs` more: its slot was given to the next message. */
  | (Place & { readonly kind: 'abandoned'; readonly handler: string; readonly type: string })
  /** Bytes that are no message, a header that contradicts the subject: dropped. */
  | (Place & { readonly kind: 'bad-message'; readonly error: BusError })
  /**
   * An envelope came while the queue of its delivery group was full: dropped unread, so that nobody knows what was in
   * it. Also a call where even as many answers wait to be sent as may: its caller is left to its deadline.
   */
  | (Place & {
      readonly kind: 'dropped';
      /** The option whose limit was reached; of an instance that takes over, which of its two limits. */
      readonly why: QueueLimit;
    })
  /** A call came while the queue of calls was full: answered at once with `TERABUS_OVERLOADED`. */
  | (Place & { readonly kind: 'refused'; readonly method: string; readonly why: QueueLimit })
  /** A message of a type that nobody here handles: skipped, which is normal. */
  | (Place & { readonly kind: 'unhandled'; readonly type: string })
  /** A module message that was not the next of its sender, or a heartbeat of one whose last messages are missing. */
  | (Place & {
      readonly kind: 'sequence';
      readonly source: string;
      readonly verdict: Verdict;
      readonly dropped: boolean;
    })
  /** Messages were handed to the connection, or stored. */
  | (Place & {
      readonly kind: 'published';
      readonly wrapper: Wrapper;
      readonly messages: readonly unknown[];
      /** Of a durable topic: where they lie. */
      readonly stored?: Stored | undefined;
    })
  /**
   * Nobody knows whether a message that was handed over, or was to be confirmed, has arrived: the link was lost
   * before the server was known to have it (`TERABUS_UNCONFIRMED`). Nobody knows whether a message is stored
   * (`TERABUS_STORE_UNKNOWN`). Or the server refused it
   * (`TERABUS_NATS_FORBIDDEN`).
   */
  | (Place & { readonly kind: 'unconfirmed'; readonly messageId: string; readonly error: BusError })
  /** A call ended. */
  | (Place & {
      readonly kind: 'called';
      readonly method: string;
      readonly args: readonly unknown[];
      readonly result: unknown;
      readonly durationMs: number;
      /** How often the request was sent: more than once only of idempotent methods. */
      readonly attempts: number;
      readonly error: BusError | undefined;
    })
  /** Work that the end of the drain cut off: `running` handlers were aborted, `waiting` messages never started. */
  | (Place & { readonly kind: 'cut-off'; readonly running: number; readonly waiting: number })
  /**
   * A handler failed on a stored message for the `tries`-th time: it will be tried again, about `delayMs` later. Told
   * when it is known where it waits.
   */
  | (Place & {
      readonly kind: 'retried';
      readonly handler: string;
      readonly type: string;
      readonly tries: number;
      readonly delayMs: number;
      /**
       * Whether it is kept here until then, since those of its key wait behind it, or nobody has room for it: else it is
       * stored with what is to be tried again.
       */
      readonly inPlace: boolean;
      readonly error: BusError;
    })
  /**
   * A stored message was given up: it lies with the dead letters of the service. No handler and no type where it could
   * not be read.
   */
  | (Place & {
      readonly kind: 'dead-lettered';
      readonly handler: string | undefined;
      readonly type: string | undefined;
      /** Where it was stored first. */
      readonly stream: string;
      readonly sequence: number;
      readonly tries: number;
      readonly error: BusError;
    })
  /** A handler with `deduplicate` had finished the message before: it was not given to it again. */
  | (Place & {
      readonly kind: 'deduplicated';
      readonly handler: string;
      readonly type: string;
      readonly messageId: string;
    })
  /** A stored message that waited for its turn goes back to its stream: the service drains. */
  | (Place & { readonly kind: 'given-back'; readonly handler: string; readonly type: string })
  /** Something happened to the link of the host, beside messages. */
  | { readonly kind: 'link'; readonly event: TransportEvent };

/** Watches a host. It must not throw; if it does, the error is logged and the bus goes on. */
export type Observer = (event: BusEvent) => void;
