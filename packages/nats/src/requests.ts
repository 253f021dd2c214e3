import type { Inbound, TransportEvent } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import { BusyPolling } from './busy-polling.js';
import type { Connection } from './connection.js';
import type { Inbounds } from './inbounds.js';
import type { CheckedNatsOptions } from './options.js';
import type { WireMessage } from './outbox.js';
import type { RawMessage } from './raw-message.js';
import { Replies, type Settle, type Waiting } from './replies.js';
import { newReplyPrefix } from './reply-subjects.js';
import type { Subscribed } from './subscriptions.js';
import { afterTurn } from './turn.js';

/** What a connection asks, over one subscription for all answers. */
export class Requests {
  readonly #connection: Connection;
  readonly #inbounds: Inbounds;
  readonly #emit: (event: TransportEvent) => void;
  readonly #replies = new Replies();
  readonly #prefix: string;
  readonly #polling: BusyPolling | undefined;
  #inbox: Subscribed | undefined;

  constructor(
    { name, namespace, busyPolling, clock }: Pick<CheckedNatsOptions, 'name' | 'namespace' | 'busyPolling' | 'clock'>,
    connection: Connection,
    inbounds: Inbounds,
    emit: (event: TransportEvent) => void,
  ) {
    this.#connection = connection;
    this.#inbounds = inbounds;
    this.#emit = emit;
    this.#polling = busyPolling ? new BusyPolling(clock) : undefined;
    this.#prefix = newReplyPrefix(name, namespace);
  }

  /**
   * Sends what `make` gives, which may throw. `settle` is called at most once, never inside this call: with the answer,
   * or with what ended the wait. The function that it returns stops waiting.
   */
  send(make: () => WireMessage, topic: string, settle: Settle): () => void {
    const key = this.#replies.add(topic, settle);
    const fail = this.#failing(key);
    try {
      const message = make();
      if (this.#connection.state === 'up') void this.listen();
      this.#connection.outbox.request(message, `${this.#prefix}${key}`, fail);
      if (this.#replies.size === 1) this.#polling?.begin();
    } catch (error) {
      fail(error);
    }
    return () => void this.#replies.take(key);
  }

  /**
   * Never inside of `send`: the caller has not got its way to cancel yet. Made here, since what is told of refusals lives longer
   * than the request, and knows its number alone.
   */
  #failing(key: number): (error: unknown) => void {
    return (error) => afterTurn(() => this.#settle(this.#replies.take(key), BusError.from(error), false));
  }

  /** With the first request, so that a service that asks nobody needs no permission for it; anew once it was refused. */
  listen(): Promise<void> {
    if (!this.#inbox) {
      const lost = (error: BusError) => {
        void this.#inbox?.drain();
        this.#inbox = undefined;
        this.settleAll(error);
      };
      const { subscriptions } = this.#connection;
      this.#inbox = subscriptions.add(`${this.#prefix}*`, undefined, (raw) => this.#onReply(raw), lost);
      this.#inbox.ready.catch(lost);
    }
    return this.#inbox.ready;
  }

  /** Ends all waits with one error. */
  settleAll(error: BusError): void {
    // One that is settled may stop another one's wait.
    for (const key of this.#replies.keys) this.#settle(this.#replies.take(key), error, true);
  }

  #onReply(raw: RawMessage): void {
    const waiting = this.#replies.take(keyIn(raw.subject, this.#prefix.length));
    if (waiting === undefined) return;
    this.#polling?.end();
    this.#settle(waiting, this.#inbounds.answer(raw, waiting.topic), false);
  }

  /** Whoever asked has its own code behind `settle`; one that throws must not take others along. */
  #settle(waiting: Waiting | undefined, answer: Inbound | BusError, lost: boolean): void {
    try {
      waiting?.settle(answer, lost);
    } catch (error) {
      this.#emit({ kind: 'error', error: BusError.from(error) });
    }
  }
}

/** The number at the end of a subject; −1, which is nobody's, where there is none. */
function keyIn(subject: string, from: number): number {
  if (subject.length === from) return -1;
  let key = 0;
  for (let index = from; index < subject.length; index++) {
    const digit = subject.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return -1;
    key = key * 10 + digit;
  }
  return key;
}
