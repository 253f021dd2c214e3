import type { Socket } from 'node:net';
import { Frames } from './frames.js';
import { NatsMessage } from './raw-message.js';
import { afterTurn } from './turn.js';

/** The state of the client's reader between two frames. */
const AT_START = 0;

/** What of the client's inside is used: its public side has no order between a refusal and a PONG, and copies what it writes. */
export interface ClientInside {
  readonly protocol: {
    readonly transport: { readonly socket: Socket };
    flush(pong: { resolve(): void; reject(): void }): unknown;
    sendCommand(...pieces: Uint8Array[]): void;
    readonly outbound: { length(): number };
    processError(text: Uint8Array): void;
    /** What the server said last; the public side forgets it with the end of the connection, when it is needed most. */
    readonly info?: { readonly max_payload: number; readonly connect_urls?: unknown };
    readonly parser: { parse(chunk: Uint8Array): void; readonly state: number };
  };
}

/** What of a message of the client is read: its own reader of headers is left aside. */
export interface ClientMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly _msg: { readonly hdr: number };
  readonly _rdata: Uint8Array;
}

/** A message that the client has read. */
export function asRead({ subject, reply, _msg, _rdata }: ClientMessage): NatsMessage {
  const chunk = Buffer.from(_rdata.buffer, _rdata.byteOffset, _rdata.length);
  return new NatsMessage(subject, reply || undefined, chunk, 0, Math.max(0, _msg.hdr), chunk.length);
}

/** Who is given what comes off the socket of a client. None of it may throw. */
export interface ClientReader {
  /** Whether nobody wants to read any more. */
  isOver(): boolean;
  /** So many bytes have come. */
  came(bytes: number): void;
  /** A message of a subscription, by its number. */
  message(subscription: number, message: NatsMessage): void;
  /** What came is no NATS protocol. */
  failed(cause: unknown): void;
  /** The server complains, in the order of the wire. False for what the client itself must not hear of, since it would end the connection. */
  complained(text: string): boolean;
}

/**
 * Reads in the client's stead, and leaves to it what is no message. It would take five promises for each chunk; and it dies of what it can't
 * parse, says so on the console, and leaves the connection open and deaf.
 */
export function readInstead({ protocol }: ClientInside, reader: ClientReader): void {
  const { parser, transport } = protocol;
  const [parse, processError] = [parser.parse.bind(parser), protocol.processError.bind(protocol)];
  const frames = new Frames({
    message: (subscription, message) => reader.message(subscription, message),
    rest: (bytes) => {
      if (!reader.isOver()) parse(bytes);
    },
  });
  // It may have begun to read something that has come in part.
  const read = parser.state === AT_START ? (chunk: Uint8Array) => frames.read(chunk) : parse;
  const take = (chunk: Uint8Array) => {
    reader.came(chunk.length);
    try {
      if (!reader.isOver()) read(chunk);
    } catch (cause) {
      reader.failed(cause);
    }
  };
  // What has come by now.
  parser.parse = take;
  transport.socket.removeAllListeners('data');
  readInTurns(transport.socket, take);
  protocol.processError = (bytes) => {
    if (reader.complained(new TextDecoder().decode(bytes))) processError(bytes);
  };
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
