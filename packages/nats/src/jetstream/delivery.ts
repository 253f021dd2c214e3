import type { Headers, StreamDelivery } from '@terabus/core/transport';
import type { RawMessage } from '../raw-message.js';
import { copied } from '../slab.js';
import type { AckSubject } from './ack-subject.js';

const encoder = new TextEncoder();
const ACK = encoder.encode('+ACK');
const WORKING = encoder.encode('+WPI');
const NAK = encoder.encode('-NAK');

/** Those who handed out a delivery, and are told what becomes of it. */
export interface Settler {
  /** Sends one of JetStream's answers. */
  tell(replyTo: string, bytes: Uint8Array): void;
  /** There is room again: for a message, and for so many bytes. Called once. */
  settled(size: number): void;
}

/** A message with the way to settle it. */
export class Delivery implements StreamDelivery {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  readonly stream: string;
  readonly sequence: number;
  readonly storedAt: number;
  readonly deliveries: number;
  readonly pending: number;
  readonly headersBytes: number;
  readonly #replyTo: string;
  readonly #size: number;
  #settler: Settler | undefined;

  constructor(
    raw: RawMessage,
    { sequence, storedAt, deliveries, pending, replyTo }: AckSubject,
    stream: string,
    subject: string,
    headers: Headers,
    settler: Settler,
  ) {
    this.subject = subject;
    this.bytes = copied(raw.view());
    this.headers = headers;
    this.stream = stream;
    this.sequence = sequence;
    this.storedAt = storedAt;
    this.deliveries = deliveries;
    this.pending = pending;
    this.headersBytes = raw.headersBytes;
    this.#replyTo = replyTo;
    this.#size = raw.size;
    this.#settler = settler;
  }

  ack(): void {
    this.#settle(ACK);
  }

  later(delayMs: number): void {
    // Without a delay: one of 0 would be read as none as well.
    const delay = Math.round(delayMs * 1_000_000);
    this.#settle(delay > 0 ? encoder.encode(`-NAK {"delay": ${delay}}`) : NAK);
  }

  superseded(): void {
    this.#release();
  }

  working(): void {
    this.#settler?.tell(this.#replyTo, WORKING);
  }

  #settle(answer: Uint8Array): void {
    const settler = this.#settler;
    // The room first: what asks for more then goes in one write with what is told.
    this.#release();
    settler?.tell(this.#replyTo, answer);
  }

  #release(): void {
    const settler = this.#settler;
    this.#settler = undefined;
    settler?.settled(this.#size);
  }
}
