// The only file that imports `nats`. A link is one connection of that client, from its dial to its end: it never
// reconnects, so that nothing of an old link (buffers, flushes, subscriptions) reaches a new one.
import type { Socket } from 'node:net';
import { BusError, printable } from '@terabus/core/transport';
import type { Authenticator, Msg, NatsConnection, ServerInfo } from 'nats';
import { connect, credsAuthenticator, Events, nkeyAuthenticator } from 'nats';
import { complaint, translated } from './client-errors.js';
import { clientOptions, DIAL_TIMEOUT_MS } from './client-options.js';
import { disconnectedError } from './errors.js';
import { Frames } from './frames.js';
import type { CheckedNatsOptions } from './options.js';
import { NatsMessage, type RawMessage } from './raw-message.js';
import { parseRefusal, type Refusal } from './refusal.js';
import type { PoolServer } from './server-pool.js';
import { type Outgoing, Sockets } from './sockets.js';
import { afterTurn } from './turn.js';
import { TIME_IS_OVER, within } from './within.js';
import { WriteBuffer } from './write-buffer.js';

/** Everything the wire takes as one subject: whitespace would start the next argument, a line break the next command. */
const ONE_WORD = /^[!-~]+$/;

/** The state of the client's reader between two frames. */
const AT_START = 0;

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

/** What of the client's inside is used, since its public side has no order between a refusal and a PONG. */
interface Inside {
  readonly protocol: {
    readonly transport: { readonly socket: Socket };
    flush(pong: { resolve(): void; reject(): void }): unknown;
    sendCommand(...pieces: Uint8Array[]): void;
    readonly outbound: { length(): number };
    processError(text: Uint8Array): void;
    readonly info?: ServerInfo;
    readonly parser: { parse(chunk: Uint8Array): void; readonly state: number };
  };
}

/** What of a message of the client is read: its own reader of headers is left aside. */
interface ClientMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly _msg: { readonly hdr: number };
  readonly _rdata: Uint8Array;
}

function asRead({ subject, reply, _msg, _rdata }: ClientMessage): NatsMessage {
  const chunk = Buffer.from(_rdata.buffer, _rdata.byteOffset, _rdata.length);
  return new NatsMessage(subject, reply || undefined, chunk, 0, Math.max(0, _msg.hdr), chunk.length);
}

class NatsLink implements Link {
  readonly server: string;
  readonly #connection: NatsConnection & Inside;
  readonly #sockets: Sockets;
  readonly #listener: LinkListener;
  readonly #output: WriteBuffer;
  /** By the numbers of their subscriptions. */
  readonly #receivers = new Map<number, (message: RawMessage) => void>();
  #ended = false;
  #receivedBytes = 0;
  #lastSubject = '';
  #lastCommand = '';

  constructor(
    server: PoolServer,
    connection: NatsConnection,
    sockets: Sockets,
    listener: LinkListener,
    elapsed: () => number,
  ) {
    this.server = server.printable;
    this.#connection = connection as NatsConnection & Inside;
    this.#sockets = sockets;
    this.#listener = listener;
    this.#output = new WriteBuffer((first, ...more) => this.#write(first, more), elapsed);
    this.#listenInside();
    void connection.closed().then((error) => this.#end(error ? translated(error) : disconnectedError()));
    void this.#followStatus();
  }

  /** What the server said last; the public side forgets it with the end of the connection, when it is needed most. */
  get #info() {
    return this.#connection.protocol.info;
  }

  get maxPayloadBytes(): number {
    return this.#info?.max_payload ?? 0;
  }

  get peers(): readonly string[] {
    const named: unknown = this.#info?.connect_urls;
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

  #listenInside(): void {
    const { protocol } = this.#connection;
    const { parser, transport } = protocol;
    const [parse, processError] = [parser.parse.bind(parser), protocol.processError.bind(protocol)];
    // The client's reader dies of what it can't parse, says so on the console, and leaves the connection open and deaf.
    const frames = new Frames({
      message: (subscription, message) => {
        const deliver = this.#receivers.get(subscription);
        if (deliver !== undefined) this.#deliver(deliver, message);
      },
      rest: (bytes) => {
        if (!this.#ended) parse(bytes);
      },
    });
    // It may have begun to read something that has come in part.
    const read = parser.state === AT_START ? (chunk: Uint8Array) => frames.read(chunk) : parse;
    const take = (chunk: Uint8Array) => {
      this.#receivedBytes += chunk.length;
      try {
        if (!this.#ended) read(chunk);
      } catch (cause) {
        this.#end(disconnectedError('the NATS server sent what is no NATS protocol', cause));
      }
    };
    // What has come by now. From now on it does not take the client's way, which is five promises for each chunk.
    parser.parse = take;
    transport.socket.removeAllListeners('data');
    readInTurns(transport.socket, take);
    protocol.processError = (bytes) => {
      const text = new TextDecoder().decode(bytes);
      const refusal = parseRefusal(text);
      if (refusal) {
        this.#listener.refused(refusal);
        return;
      }
      const error = complaint(text);
      // A login that has ended is told by the end of the link.
      if (error.reason !== 'TERABUS_NATS_UNAUTHENTICATED') this.#listener.failed(error);
      processError(bytes);
    };
  }

  /** Each iterator of the client's statuses is a queue without limit: there is one, and it is always read. */
  async #followStatus(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === Events.LDM && !this.#ended) this.#listener.lameDuck();
    }
  }
}

/** Node reads so much at a time. Where it got less, there was no more. */
const WHOLE_CHUNK = 65_536;

/**
 * Node hands over up to 32 chunks of a socket, 2 MB, before anything else has its turn: with costly messages that is long.
 * One at a time leaves timers, other sockets and handlers their turns in between. Of what is encrypted many small chunks are one read.
 */
function readInTurns(socket: Socket, take: (chunk: Uint8Array) => void): void {
  socket.on('data', (chunk) => {
    take(chunk);
    if (chunk.length < WHOLE_CHUNK && !('encrypted' in socket)) return;
    socket.pause();
    afterTurn(() => socket.resume());
  });
}

function checkWord(word: string): void {
  if (ONE_WORD.test(word)) return;
  throw new BusError(`${printable(word)} can't go on the wire`, { reason: 'TERABUS_SUBJECT_INVALID' });
}
