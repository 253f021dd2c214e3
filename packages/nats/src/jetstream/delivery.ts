import type { Headers, StreamDelivery } from '@terabus/core/transport';

const encoder = new TextEncoder();
const ACK = encoder.encode('+ACK');
const WORKING = encoder.encode('+WPI');
const NAK = encoder.encode('-NAK');

/** What a delivery is told by those who handed it out. */
export interface Settler {
  /** Sends one of JetStream's answers. */
  tell(bytes: Uint8Array): void;
  /** There is room again. Called once. */
  settled(): void;
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
  #settler: Settler | undefined;

  constructor(
    message: Pick<
      StreamDelivery,
      'subject' | 'bytes' | 'headers' | 'stream' | 'sequence' | 'storedAt' | 'deliveries' | 'pending'
    >,
    settler: Settler,
  ) {
    this.subject = message.subject;
    this.bytes = message.bytes;
    this.headers = message.headers;
    this.stream = message.stream;
    this.sequence = message.sequence;
    this.storedAt = message.storedAt;
    this.deliveries = message.deliveries;
    this.pending = message.pending;
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

  working(): void {
    this.#settler?.tell(WORKING);
  }

  #settle(answer: Uint8Array): void {
    const settler = this.#settler;
    if (!settler) return;
    this.#settler = undefined;
    settler.tell(answer);
    settler.settled();
  }
}
