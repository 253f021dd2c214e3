import type { Headers } from '@terabus/core/transport';
import { type DecodedHeaders, decodeHeaders, NOTHING_DECODED, plainHeaders } from './headers.js';

/** A message as it came off the wire. It lies in a chunk of the socket until it is copied. */
export interface RawMessage {
  readonly subject: string;
  readonly replyTo: string | undefined;
  /** The bytes of block and content. */
  readonly size: number;
  /** Those of the block alone. */
  readonly headersBytes: number;
  /** A copy: a view would keep a whole chunk of the socket (64 KiB) alive. */
  bytes(): Uint8Array;
  /** Without a copy, for whoever lets go of them at once. */
  view(): Uint8Array;
  /** The server's own answer that nobody subscribes to what was asked for. @throws BusError `TERABUS_MESSAGE_BAD` */
  noResponders(): boolean;
  /** They keep nothing of the chunk. @throws BusError `TERABUS_MESSAGE_BAD` */
  headers(): Headers;
  /** Its block as a whole, with the status of the server's own answers. @throws BusError `TERABUS_MESSAGE_BAD` */
  decoded(): DecodedHeaders;
}

/** A message at its place in a chunk: `from` where its block of headers begins, `content` where that ends, up to `to`. */
export class NatsMessage implements RawMessage {
  readonly subject: string;
  readonly replyTo: string | undefined;
  readonly #chunk: Buffer;
  readonly #from: number;
  readonly #content: number;
  readonly #to: number;
  #decoded: DecodedHeaders | undefined;

  constructor(subject: string, replyTo: string | undefined, chunk: Buffer, from: number, content: number, to: number) {
    this.subject = subject;
    this.replyTo = replyTo;
    this.#chunk = chunk;
    this.#from = from;
    this.#content = content;
    this.#to = to;
  }

  get size(): number {
    return this.#to - this.#from;
  }

  get headersBytes(): number {
    return this.#content - this.#from;
  }

  bytes(): Uint8Array {
    const copy = new Uint8Array(this.#to - this.#content);
    copy.set(this.view());
    return copy;
  }

  view(): Uint8Array {
    const { buffer, byteOffset } = this.#chunk;
    return new Uint8Array(buffer, byteOffset + this.#content, this.#to - this.#content);
  }

  noResponders(): boolean {
    return this.#to === this.#content && this.decoded().status === 503;
  }

  headers(): Headers {
    if (this.#decoded === undefined && this.#content > this.#from) {
      const plain = plainHeaders(this.#chunk, this.#from, this.#content);
      if (plain !== undefined) return plain;
    }
    return this.decoded().headers;
  }

  decoded(): DecodedHeaders {
    this.#decoded ??=
      this.#content === this.#from ? NOTHING_DECODED : decodeHeaders(this.#chunk.subarray(this.#from, this.#content));
    return this.#decoded;
  }
}
