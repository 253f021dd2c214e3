import type { BusError } from '@terabus/core/transport';
import type { RawMessage } from './raw-message.js';
import type { Refusal } from './refusal.js';
import type { PoolServer } from './server-pool.js';
import type { Outgoing } from './sockets.js';

/** A subscription on one link. */
export interface LinkSubscription {
  /** Its number on this link, by which the server names it. */
  readonly id: number;
  /** Ends it at the server; what the server had sent before is still handed over, until the next PING is answered. */
  end(): void;
}

/** What a link tells of itself. None of it may throw. */
export interface LinkListener {
  /** It is of no use any more. Called at most once, and not after `destroy`. */
  ended(error: BusError): void;
  /** In the order of the wire: before the answers to PINGs that were sent after what is refused. */
  refused(refusal: Refusal): void;
  /** The server complained of something else, or a receiver threw. */
  failed(error: BusError): void;
  lameDuck(): void;
}

/** One connection to one server. */
export interface Link {
  /** For events and errors. */
  readonly server: string;
  readonly maxPayloadBytes: number;
  /** The servers of its cluster, as the server names them. */
  readonly peers: readonly string[];
  /** How many bytes were read so far. */
  readonly receivedBytes: number;
  readonly outgoing: Outgoing;
  /** Whether there still is a connection. What is handed over when there is none goes nowhere. */
  readonly open: boolean;
  /**
   * Hands a message to the socket. Of its block of headers each character is a byte. One that is urgent is written in this turn of the
   * event loop, others wait a little for more where there are many. @throws BusError
   */
  publish(subject: string, bytes: Uint8Array, headers: string | undefined, urgent: boolean, replyTo?: string): void;
  /** Does not wait for the server. `deliver` may throw: that is reported. @throws BusError */
  subscribe(subject: string, queue: string | undefined, deliver: (message: RawMessage) => void): LinkSubscription;
  /** Sends a PING. `answered` is called with its PONG, in the order of the wire; never when the link ends first. */
  ping(answered: () => void): void;
  /** Ends it at once, whatever is still to be written. */
  destroy(): void;
}

/** Reaches a server and is let in. @throws BusError */
export type Dial = (
  server: PoolServer,
  listener: LinkListener,
  signal: AbortSignal,
  timeoutMs: number,
) => Promise<Link>;
