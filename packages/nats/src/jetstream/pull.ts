import type { BusError, Timer } from '@terabus/core/transport';
import type { RawMessage } from '../raw-message.js';
import type { Subscribed } from '../subscriptions.js';
import type { JetStream } from './jetstream.js';
import type { Share } from './room.js';

/** Short, so that a request whose server has forgotten it is soon made again. */
const EXPIRES_MS = 5_000;

/** How often a server says that a request still waits. */
const HEARTBEAT_MS = 1_000;

/**
 * Ticks without a sign of life, a heartbeat apart, after which a request is taken for forgotten: 2 s at least. Two would
 * take one heartbeat that comes a moment late for two that are missing.
 */
const MOST_SILENT_TICKS = 3;

const NANOSECONDS = 1_000_000;
const encoder = new TextEncoder();

/**
 * How a request ends: it has got all that it asked for, or its time is over; the next message is larger than its bytes;
 * its server says nothing any more; or it says that it can't, or may not.
 */
export type Ending = 'done' | 'too-large' | 'silent' | 'refused';

/** What follows from what arrives. */
export interface PullListener {
  message(raw: RawMessage, replyTo: string): void;
  /** Any sign of life. */
  alive(): void;
  ended(how: Ending): void;
}

interface Request {
  readonly replyTo: string;
  /** What it has not got yet. */
  messages: number;
  bytes: number | undefined;
}

/** Requests to be handed out messages, one at a time, at a place where nobody else listens. */
export class Pull {
  readonly #jetStream: JetStream;
  readonly #subject: string;
  readonly #on: PullListener;
  #place: { readonly prefix: string; readonly subscribed: Subscribed } | undefined;
  #request: Request | undefined;
  #count = 0;
  #tick: Timer | undefined;
  #silentTicks = 0;
  #refusal: BusError | undefined;

  /** `consumer` is its name behind that of its stream, as the server has them. */
  constructor(jetStream: JetStream, consumer: string, on: PullListener) {
    this.#jetStream = jetStream;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${consumer}`;
    this.#on = on;
  }

  get busy(): boolean {
    return this.#request !== undefined;
  }

  /** What is still to come of the request that runs. */
  get coming(): Share | undefined {
    return this.#request;
  }

  /** Why the server refused a request, if it has ever done so. */
  get refusal(): BusError | undefined {
    return this.#refusal;
  }

  /**
   * Listens at a new place: what was asked for at the last one, and may still be handed out there, does not count for what
   * is asked for next. Resolves when a server knows of it.
   */
  move(): Promise<void> {
    this.forget();
    void this.#place?.subscribed.drain();
    const place = this.#jetStream.open((raw) => this.#receive(raw, this.#place === place));
    this.#place = place;
    return place.subscribed.ready;
  }

  /** Asks for so much. @throws BusError without a link, or where it does not keep up */
  ask({ messages, bytes }: Share): void {
    this.#count += 1;
    const replyTo = `${this.#place?.prefix}${this.#count.toString(36)}`;
    const request: Request = { replyTo, messages, bytes };
    const body = {
      batch: messages,
      expires: EXPIRES_MS * NANOSECONDS,
      idle_heartbeat: HEARTBEAT_MS * NANOSECONDS,
      ...(bytes !== undefined && { max_bytes: bytes }),
    };
    this.#jetStream.post(this.#subject, encoder.encode(JSON.stringify(body)), replyTo, (error) => {
      this.#refusal = error;
      if (this.#request === request) this.#end('refused');
    });
    this.#request = request;
    this.#silentTicks = 0;
    this.#arm();
  }

  /** It is of no interest any more how the request ends. */
  forget(): void {
    this.#request = undefined;
    this.#tick?.cancel();
    this.#tick = undefined;
  }

  /** Listens no more. Resolves when nothing more will arrive. */
  async end(): Promise<void> {
    this.forget();
    await this.#place?.subscribed.drain();
  }

  #end(how: Ending): void {
    this.forget();
    this.#on.ended(how);
  }

  #arm(): void {
    this.#tick ??= this.#jetStream.clock.setTimer(HEARTBEAT_MS, () => {
      this.#tick = undefined;
      this.#silentTicks += 1;
      if (this.#silentTicks >= MOST_SILENT_TICKS) this.#end('silent');
      else this.#arm();
    });
  }

  #receive(raw: RawMessage, here: boolean): void {
    const { replyTo } = raw;
    if (replyTo === undefined) {
      // Of a request that was forgotten.
      if (raw.subject !== this.#request?.replyTo) return;
      this.#status(raw);
      return;
    }
    this.#alive();
    this.#on.message(raw, replyTo);
    const request = this.#request;
    if (request === undefined || !here) return;
    request.messages -= 1;
    if (request.bytes !== undefined) request.bytes = Math.max(0, request.bytes - raw.size);
    if (request.messages <= 0) this.#end('done');
  }

  #status(raw: RawMessage): void {
    const { status, description } = statusOf(raw);
    const large = status === 409 && /exceeds maxbytes/i.test(description);
    const over = status === 404 || status === 408;
    if (status === 100 || over || large) this.#alive();
    if (status !== 100) this.#end(over ? 'done' : large ? 'too-large' : 'refused');
  }

  #alive(): void {
    this.#silentTicks = 0;
    this.#on.alive();
  }
}

function statusOf(raw: RawMessage) {
  try {
    return raw.decoded();
  } catch {
    return { status: undefined, description: '' };
  }
}
