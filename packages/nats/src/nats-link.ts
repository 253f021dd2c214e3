// The only file that imports `nats`. A link is one connection of that client, from its dial to its end: it never
// reconnects, so that nothing of an old link (buffers, flushes, subscriptions) reaches a new one.
import type { Socket } from 'node:net';
import { BusError, printable } from '@terabus/core/transport';
import type { Authenticator, Msg, NatsConnection } from 'nats';
import { connect, credsAuthenticator, Events, nkeyAuthenticator } from 'nats';
import { complaint, translated } from './client-errors.js';
import { asRead, type ClientInside, type ClientMessage, type ClientReader, readInstead } from './client-inside.js';
import { clientOptions, DIAL_TIMEOUT_MS } from './client-options.js';
import { disconnectedError } from './errors.js';
import type { Dial, Link, LinkListener, LinkSubscription } from './link.js';
import type { CheckedNatsOptions } from './options.js';
import type { RawMessage } from './raw-message.js';
import { parseRefusal } from './refusal.js';
import type { PoolServer } from './server-pool.js';
import { type Outgoing, Sockets } from './sockets.js';
import { TIME_IS_OVER, within } from './within.js';
import { WriteBuffer } from './write-buffer.js';

/** Everything the wire takes as one subject: whitespace would start the next argument, a line break the next command. */
const ONE_WORD = /^[!-~]+$/;

const authenticators = { nkeyAuthenticator, credsAuthenticator } satisfies Record<
  string,
  (secret: Uint8Array) => Authenticator
>;

/** Dials with options; files that they name are read for each dial, so that they may be renewed. */
export function dialWith(options: CheckedNatsOptions): Dial {
  return async (server, listener, signal, timeoutMs) => {
    const sockets = new Sockets();
    const abort = () => sockets.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const dialing = sockets.during(async () => connect(clientOptions(server, options, authenticators)));
      // One that nobody waits for any more may still come through, or fail.
      dialing.then(
        (connection) => signal.aborted && void connection.close().catch(() => {}),
        () => {},
      );
      const connection = await within(options.clock, Math.min(timeoutMs, DIAL_TIMEOUT_MS), dialing);
      if (connection === TIME_IS_OVER) {
        throw new BusError(`${server.printable} did not let this client in in time`, { reason: 'TERABUS_NATS_ERROR' });
      }
      if (connection.info?.headers !== true) {
        throw new BusError(`${server.printable} takes no headers: Terabus needs NATS 2.2 or newer`, {
          reason: 'TERABUS_NATS_ERROR',
        });
      }
      return new NatsLink(server, connection, sockets, listener, () => options.clock.elapsed());
    } catch (error) {
      sockets.destroy();
      throw translated(error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
}

class NatsLink implements Link {
  readonly server: string;
  readonly #connection: NatsConnection & ClientInside;
  readonly #sockets: Sockets;
  readonly #listener: LinkListener;
  readonly #output: WriteBuffer;
  /** By the numbers of their subscriptions. */
  readonly #receivers = new Map<number, (message: RawMessage) => void>();
  #ended = false;
  #receivedBytes = 0;
  #lastSubject: string | undefined;
  #lastCommand = '';

  constructor(
    server: PoolServer,
    connection: NatsConnection,
    sockets: Sockets,
    listener: LinkListener,
    elapsed: () => number,
  ) {
    this.server = server.printable;
    this.#connection = connection as NatsConnection & ClientInside;
    this.#sockets = sockets;
    this.#listener = listener;
    this.#output = new WriteBuffer((first, ...more) => this.#write(first, more), elapsed);
    readInstead(this.#connection, this.#reader());
    void connection.closed().then((error) => this.#end(error ? translated(error) : disconnectedError()));
    void this.#followStatus();
  }

  get maxPayloadBytes(): number {
    return this.#connection.protocol.info?.max_payload ?? 0;
  }

  get peers(): readonly string[] {
    const named = this.#connection.protocol.info?.connect_urls;
    return Array.isArray(named) ? named.filter((each) => typeof each === 'string') : [];
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get outgoing(): Outgoing {
    return this.#sockets.outgoing;
  }

  get open(): boolean {
    return !this.#ended && !this.#connection.isClosed();
  }

  publish(subject: string, bytes: Uint8Array, headers: string | undefined, urgent: boolean, replyTo?: string): void {
    this.#output.add(this.#commandOf(subject, replyTo, headers !== undefined), headers ?? '', bytes, urgent);
  }

  subscribe(subject: string, queue: string | undefined, deliver: (message: RawMessage) => void): LinkSubscription {
    checkWord(subject);
    if (queue !== undefined) checkWord(queue);
    const callback = (error: Error | null, message: Msg) => {
      if (error === null) this.#deliver(deliver, asRead(message as Msg & ClientMessage));
    };
    this.#output.flush();
    try {
      const subscription = this.#connection.subscribe(subject, { callback, ...(queue !== undefined && { queue }) });
      const id = subscription.getID();
      this.#receivers.set(id, deliver);
      const ended = () => this.#receivers.delete(id);
      const end = () => {
        // What was published before is still for whoever listens until then.
        this.#output.flush();
        void subscription.drain().then(ended, ended);
      };
      return { id, end };
    } catch (error) {
      throw translated(error);
    }
  }

  ping(answered: () => void): void {
    if (!this.open) return;
    this.#output.flush();
    this.#connection.protocol.flush({ resolve: answered, reject: () => {} });
  }

  destroy(): void {
    this.#ended = true;
    this.#sockets.destroy();
    void this.#connection.close().catch(() => {});
  }

  /** Of many messages in a row the subject is the same. */
  #commandOf(subject: string, replyTo: string | undefined, withHeaders: boolean): string {
    if (replyTo !== undefined) {
      checkWord(subject);
      checkWord(replyTo);
      return `${withHeaders ? 'HPUB' : 'PUB'} ${subject} ${replyTo} `;
    }
    if (subject !== this.#lastSubject || !withHeaders) {
      checkWord(subject);
      if (!withHeaders) return `PUB ${subject} `;
      this.#lastSubject = subject;
      this.#lastCommand = `HPUB ${subject} `;
    }
    return this.#lastCommand;
  }

  /** Behind what the client itself has not written yet. Its own buffer would else be one more copy, and two more promises. */
  #write(first: Uint8Array, more: readonly Uint8Array[]): void {
    const { outbound, transport } = this.#connection.protocol;
    if (more.length > 0 || outbound.length() > 0) this.#connection.protocol.sendCommand(first, ...more);
    // The client lets go of it a little before it says that it is closed.
    else if (this.open) (transport.socket as Socket | undefined)?.write(first);
  }

  /** An exception that escapes from here into the client's reader would leave the connection open and deaf. */
  #deliver(deliver: (message: RawMessage) => void, message: RawMessage): void {
    if (this.#ended) return;
    try {
      deliver(message);
    } catch (thrown) {
      this.#listener.failed(BusError.from(thrown));
    }
  }

  #end(error: BusError): void {
    if (this.#ended) return;
    this.destroy();
    this.#listener.ended(error);
  }

  #reader(): ClientReader {
    return {
      isOver: () => this.#ended,
      came: (bytes) => {
        this.#receivedBytes += bytes;
      },
      message: (subscription, message) => {
        const deliver = this.#receivers.get(subscription);
        if (deliver !== undefined) this.#deliver(deliver, message);
      },
      failed: (cause) => this.#end(disconnectedError('the NATS server sent what is no NATS protocol', cause)),
      complained: (text) => {
        const refusal = parseRefusal(text);
        if (refusal) {
          this.#listener.refused(refusal);
          return false;
        }
        const error = complaint(text);
        // A login that has ended is told by the end of the link.
        if (error.reason !== 'TERABUS_NATS_UNAUTHENTICATED') this.#listener.failed(error);
        return true;
      },
    };
  }

  /** Each iterator of the client's statuses is a queue without limit: there is one, and it is always read. */
  async #followStatus(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === Events.LDM && !this.#ended) this.#listener.lameDuck();
    }
  }
}

function checkWord(word: string): void {
  if (ONE_WORD.test(word)) return;
  throw new BusError(`${printable(word)} can't go on the wire`, { reason: 'TERABUS_SUBJECT_INVALID' });
}
