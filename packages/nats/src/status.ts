import type { BusError } from '@terabus/core/transport';
import type { ReplyShape } from './reply-subjects.js';

/**
 * What happens to a connection beside messages, for logs and metrics.
 *
 * - `disconnected`, `reconnected`, `lame-duck`: the link to a server went, came back, is about to go (the server was
 *   told to end).
 * - `error`: the server refused something, or a receiver of messages threw.
 * - `bad-message`: a message was dropped since its headers or its subject can't be read. `count` is the number of
 *   these on this connection so far, so that a log can leave some out.
 * - `reply-refused`: a message arrived whose sender wants the answer where this transport answers to nobody; it was
 *   handed over without `replyTo`. Said once per shape.
 */
export type NatsStatus =
  | { readonly type: 'disconnected' | 'reconnected' | 'lame-duck'; readonly server: string }
  | { readonly type: 'error'; readonly error: BusError }
  | { readonly type: 'bad-message'; readonly error: BusError; readonly count: number }
  | { readonly type: 'reply-refused'; readonly shape: ReplyShape; readonly topic: string };

/** Takes what happens. Whatever it throws is ignored: a logger that fails must not end a connection. */
export type NatsStatusListener = (status: NatsStatus) => void;
