import type { Headers } from '@terabus/core/transport';
import { type DecodedHeaders, decodeHeaders, NOTHING_DECODED } from './headers.js';

/** A message as it came off the wire. */
export interface RawMessage {
  readonly subject: string;
  readonly replyTo: string | undefined;
  /** A copy: the client hands out views, and each of them would keep a whole chunk of the socket (64 KiB) alive. */
  bytes(): Uint8Array;
  /** Without a copy, for whoever lets go of them at once. */
  view(): Uint8Array;
  /** The server's own answer that nobody subscribes to what was asked for. @throws BusError `TERABUS_MESSAGE_BAD` */
  noResponders(): boolean;
  /** @throws BusError `TERABUS_MESSAGE_BAD` */
  headers(): Headers;
  /** Its block as a whole, with the status of the server's own answers. @throws BusError `TERABUS_MESSAGE_BAD` */
  decoded(): DecodedHeaders;
  /** The bytes of block and content. */
  readonly size: number;
}

/** What of a message of the client is read: its own reader of headers is left aside. */
export interface ClientMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly data: Uint8Array;
  readonly _msg: { readonly hdr: number };
  readonly _rdata: Uint8Array;
}

/** A message as the client hands it over. */
export class NatsMessage implements RawMessage {
  readonly #message: ClientMessage;
  #decoded: DecodedHeaders | undefined;

  constructor(message: ClientMessage) {
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get replyTo(): string | undefined {
    return this.#message.reply || undefined;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#message.data);
  }

  view(): Uint8Array {
    return this.#message.data;
  }

  noResponders(): boolean {
    return this.#message.data.length === 0 && this.decoded().status === 503;
  }

  headers(): Headers {
    return this.decoded().headers;
  }

  get size(): number {
    return this.#message._rdata.length;
  }

  decoded(): DecodedHeaders {
    const { _msg, _rdata } = this.#message;
    this.#decoded ??= _msg.hdr > 0 ? decodeHeaders(_rdata.subarray(0, _msg.hdr)) : NOTHING_DECODED;
    return this.#decoded;
  }
}
