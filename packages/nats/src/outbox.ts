import type { Amount } from '@terabus/core/transport';
import { BusError, HANDED_OVER, printable } from '@terabus/core/transport';
import { closedError, disconnectedError, overloadedError } from './errors.js';
import { KnownSubjects } from './known-subjects.js';
import type { Entry, Ledger } from './ledger.js';
import type { Link } from './link.js';
import type { CheckedNatsOptions } from './options.js';
import type { Problems } from './problems.js';
import { forbidden, grantFor, type Refusal } from './refusal.js';
import { afterTurn, rejectedAfterTurn, SharedRejection } from './turn.js';
import { WaitingLine } from './waiting-line.js';

/** What is kept of a message on its way, beside its bytes in the client and the socket. */
const COST_OF_AN_ENTRY = 512;

/** A link in use, and what is on its way on it. */
export interface Live {
  readonly link: Link;
  readonly ledger: Ledger;
}

/** A message as it goes on the wire. */
export interface WireMessage {
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** The block of headers, of which each character is a byte. */
  readonly headers?: string | undefined;
}

/** A message that somebody publishes. */
export interface Publishing extends WireMessage {
  readonly confirm: boolean;
  readonly onUnconfirmed?: ((error: BusError) => void) | undefined;
}

type Settle = NonNullable<Entry['settle']>;
type Send = (live: Live, settle: Settle) => void;

/** All that goes out: straight to the link while it keeps up, else into a line of ours, else refused. Never silent. */
export class Outbox {
  readonly #problems: Problems;
  readonly #maxUnconfirmedBytes: number;
  readonly #line: WaitingLine | undefined;
  readonly #known = new KnownSubjects();
  readonly #noLink = new SharedRejection();
  readonly #noRoom = new SharedRejection();
  /** What was told in this turn of the event loop: it goes in one write, since each costs as much as a message. */
  #told: WireMessage[] = [];
  #live: Live | undefined;
  #maxPayloadBytes = 0;
  #closed = false;

  constructor({ clock, maxUnconfirmedBytes, publishBuffer }: CheckedNatsOptions, problems: Problems) {
    this.#problems = problems;
    this.#maxUnconfirmedBytes = maxUnconfirmedBytes;
    this.#line = publishBuffer ? new WaitingLine(clock, publishBuffer, () => this.#notNow()) : undefined;
  }

  /** The server's limit; while there is no server, that of the last one. */
  get maxPayloadBytes(): number {
    this.#maxPayloadBytes = this.#live?.link.maxPayloadBytes ?? this.#maxPayloadBytes;
    return this.#maxPayloadBytes;
  }

  get waiting(): Amount {
    return this.#line?.amount ?? { messages: 0, bytes: 0 };
  }

  /** A link is there: what waits goes first. Another login may have other grants. */
  attach(live: Live): void {
    this.#known.clear();
    this.#live = live;
    this.pump();
  }

  detach(): void {
    this.#maxPayloadBytes = this.maxPayloadBytes;
    this.#live = undefined;
    this.#told = [];
  }

  /** Sends what waits, as long as there is room. */
  pump(): void {
    this.#line?.release(() => this.#withRoom(1) !== undefined);
  }

  publish(message: Publishing): Promise<void> {
    this.#sendTold();
    this.#checkSize(message);
    const live = this.#free();
    return live ? this.#hand(live, message) : this.#wait(message, (link, settle) => this.#hand(link, message, settle));
  }

  /** The rejection that every message would meet now, if it is so. */
  refused(): Promise<never> | undefined {
    if (this.#line?.hasRoom(0) || this.#free()) return undefined;
    return this.#line ? this.#noRoom.with(() => this.#full()) : this.#noLink.with(() => this.#notNow());
  }

  /** An answer has nobody to tell what becomes of it: it resolves when it was handed over. */
  answer(message: WireMessage): Promise<void> {
    this.#sendTold();
    return this.#answer(message);
  }

  /**
   * An answer that nobody waits for: it goes with all others of this turn of the event loop, before anything else that is
   * sent by then. Without a link it goes nowhere.
   */
  tell(message: WireMessage): void {
    if (!this.#live?.link.open) return;
    if (this.#told.length === 0) afterTurn(() => this.#sendTold());
    this.#told.push(message);
  }

  /**
   * A request never waits for its turn, which would take its time from it, and may use twice the room: its caller has an answer to
   * wait for, so that there are never many.
   *
   * @throws BusError
   */
  request(message: WireMessage, replyTo: string, onRefused: (error: BusError) => void): void {
    this.#sendTold();
    this.#checkSize(message);
    const { subject, bytes, headers } = message;
    const live = this.#withRoom(2);
    if (!live) throw this.#notNow();
    live.link.publish(subject, bytes, headers, true, replyTo);
    const known = this.#known.has(subject);
    live.ledger.add(sizeOf(message), false, { subject, known, onRefused }, !known);
  }

  /** Resolves when all that was published before has reached the server. */
  flush(): Promise<void> {
    this.#sendTold();
    if (this.#line && !this.#line.empty) {
      return this.#queue(0, false, ({ ledger }, { resolve, reject }) => ledger.flush().then(resolve, reject));
    }
    return this.#live?.link.open ? this.#live.ledger.flush() : rejectedAfterTurn(this.#notNow());
  }

  /** The server has refused a message. */
  refuse(refusal: Refusal): BusError {
    const error = forbidden(refusal);
    this.#known.delete(refusal.subject);
    this.#live?.ledger.refuse(refusal.subject);
    this.#problems.add(publishKey(refusal.subject), error);
    return error;
  }

  /** The server has taken a message. */
  passed(subject: string): void {
    this.#known.add(subject);
    if (this.#problems.some) this.#problems.solve(publishKey(subject));
  }

  close(): void {
    this.#closed = true;
    this.#line?.failAll(closedError());
  }

  /** The link, if a message may go there at once: nothing overtakes what waits. */
  #free(): Live | undefined {
    return this.#line === undefined || this.#line.empty ? this.#withRoom(1) : undefined;
  }

  #withRoom(share: number): Live | undefined {
    if (!this.#live?.link.open) return undefined;
    const { messages, bytes } = this.#live.ledger;
    return bytes + messages * COST_OF_AN_ENTRY < share * this.#maxUnconfirmedBytes ? this.#live : undefined;
  }

  /** `settle` is that of whoever waits already: one promise behind another would resolve after `onUnconfirmed`. */
  #hand({ link, ledger }: Live, message: Publishing, settle?: Settle): Promise<void> {
    const { subject, bytes, headers, confirm, onUnconfirmed } = message;
    link.publish(subject, bytes, headers, confirm);
    const known = this.#known.has(subject);
    if (known && !confirm) {
      ledger.add(sizeOf(message), true, onUnconfirmed && { subject, known, onUnconfirmed });
      settle?.resolve();
      return HANDED_OVER;
    }
    // The server tells of a refusal alone: the first message on a subject waits until it has not told of one.
    const add = (one: Settle) =>
      ledger.add(sizeOf(message), true, { subject, known, settle: one, confirm, onUnconfirmed }, true);
    if (!settle) return new Promise((resolve, reject) => add({ resolve, reject }));
    add(settle);
    return HANDED_OVER;
  }

  #answer(message: WireMessage): Promise<void> {
    this.#checkSize(message);
    const live = this.#free();
    return live
      ? this.#handAnswer(live, message)
      : this.#wait(message, (link, settle) => this.#handAnswer(link, message).then(settle.resolve, settle.reject));
  }

  #sendTold(): void {
    if (this.#told.length === 0) return;
    const told = this.#told;
    this.#told = [];
    for (const message of told) {
      try {
        const handed = this.#answer(message);
        if (handed !== HANDED_OVER) handed.catch(() => {});
      } catch {
        // A link that can't take it: nobody waits for it.
      }
    }
  }

  #handAnswer({ link, ledger }: Live, message: WireMessage): Promise<void> {
    const { subject, bytes, headers } = message;
    link.publish(subject, bytes, headers, true);
    // Reply subjects are used once: only where one was refused it is worth to know that another one was not.
    const entry = this.#problems.some ? { subject, known: true } : undefined;
    ledger.add(sizeOf(message), false, entry);
    return HANDED_OVER;
  }

  #wait(message: WireMessage, send: Send): Promise<void> {
    const bytes = sizeOf(message);
    if (!this.#line) return this.#noLink.with(() => this.#notNow());
    if (!this.#line.hasRoom(bytes)) return this.#noRoom.with(() => this.#full());
    return this.#queue(bytes, true, (live, settle) => {
      // Another server may take less.
      this.#checkSize(message);
      send(live, settle);
    });
  }

  #queue(bytes: number, message: boolean, send: Send): Promise<void> {
    return new Promise((resolve, reject) => {
      const trySending = () => {
        try {
          send(this.#live as Live, { resolve, reject });
        } catch (error) {
          reject(error);
        }
      };
      this.#line?.push({ bytes, message, send: trySending, fail: reject });
    });
  }

  #full(): BusError {
    if (this.#closed) return closedError();
    return overloadedError('as much waits for the NATS server as may wait');
  }

  #notNow(): BusError {
    if (this.#closed) return closedError();
    if (this.#live?.link.open) return overloadedError('the NATS server does not keep up with this client');
    return disconnectedError('the link to the NATS server is down');
  }

  #checkSize(message: WireMessage): void {
    const size = sizeOf(message);
    if (size <= this.maxPayloadBytes) return;
    throw new BusError(
      `the message on ${printable(message.subject)} has ${size} bytes with its headers; the server takes ${this.maxPayloadBytes}`,
      { reason: 'TERABUS_PAYLOAD_TOO_LARGE' },
    );
  }
}

const sizeOf = ({ bytes, headers }: WireMessage) => bytes.length + (headers?.length ?? 0);

const publishKey = (subject: string) => `publish ${grantFor(subject)}`;
