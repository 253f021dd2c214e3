import type { BusError } from '@terabus/messages';

/** How the link of a transport is, for `/readyz` and for people. */
export interface TransportHealth {
  /** `down`: it was lost and is being restored. `closed`: it will not come back. */
  readonly state: 'up' | 'down' | 'closed';
  /**
   * What keeps it from doing its work, one entry each: the lost link, refused logins, grants that the server refused,
   * subscriptions that ended though nobody asked for it. An entry goes when the thing works again.
   */
  readonly problems: readonly BusError[];
  /** How long the last ping took, in milliseconds. Undefined before the first one. */
  readonly roundTripMs: number | undefined;
  /** What was handed over, and the server is not known to have yet. */
  readonly unconfirmed: Amount;
  /** What waits for the link to come back, or for the server to keep up. */
  readonly waiting: Amount;
}

/** Messages with their headers. */
export interface Amount {
  readonly messages: number;
  readonly bytes: number;
}

/**
 * What happens to a link beside messages, for logs, metrics and health.
 *
 * - `disconnected`: the link is lost; `unconfirmed` is the number of messages that may be lost with it, of each of
 *   which its `onUnconfirmed` was told. `reconnected`: it is back, with all subscriptions, after `downMs`.
 * - `lame-duck`: the server was told to end; the link will go to another one, or be lost.
 * - `problem`: there is a new entry in {@link TransportHealth.problems} (but for the lost link, which `disconnected` tells).
 *   `solved`: the entry has gone.
 * - `error`: something failed that touches one message or none: a receiver of messages threw, say.
 * - `bad-message`: a message was dropped since its headers or its subject can't be read. `count` is the number of
 *   these so far, so that a log can leave some out.
 * - `reply-refused`: a message came whose sender wants its answer where this transport answers to nobody; it was
 *   handed over without `replyTo`. Said once per `shape`.
 */
export type TransportEvent =
  | {
      readonly kind: 'disconnected';
      readonly server: string;
      readonly error: BusError;
      readonly unconfirmed: number;
    }
  | { readonly kind: 'reconnected'; readonly server: string; readonly downMs: number }
  | { readonly kind: 'lame-duck'; readonly server: string }
  | { readonly kind: 'problem' | 'solved' | 'error'; readonly error: BusError }
  | { readonly kind: 'bad-message'; readonly error: BusError; readonly count: number }
  | { readonly kind: 'reply-refused'; readonly shape: string; readonly topic: string };
