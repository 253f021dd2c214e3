import type { Amount, BusError, Clock, Timer } from '@terabus/core/transport';
import { unconfirmedError } from './errors.js';
import type { Link } from './link.js';
import { forbidden } from './refusal.js';

/** A PING follows so many bytes of messages: often enough to keep what is at risk small, and less than 1 % of the traffic. */
const PING_EVERY_BYTES = 65_536;

/** A PING follows the first message after so long, so that what is at risk is known soon also where little is sent. */
const PING_EVERY_MS = 50;

/** A message that was handed over, and whose end somebody waits for. It keeps no bytes. */
export interface Entry {
  readonly subject: string;
  /** Whether the server was known to take this subject when it was sent. */
  readonly known: boolean;
  /** The promise of a publish that has not resolved yet. */
  readonly settle?: { resolve(): void; reject(error: BusError): void } | undefined;
  /** Whether `settle` rejects when the link ends first. */
  readonly confirm?: boolean | undefined;
  readonly onUnconfirmed?: ((error: BusError) => void) | undefined;
  /** Of a request: how it is told that the server refuses it. */
  readonly onRefused?: ((error: BusError) => void) | undefined;
}

/** Called with the answer to a PING, or with the error that ended its link. */
export type Answered = (error?: BusError) => void;

/** What follows from the answer to a PING. */
export interface LedgerListener {
  /** For the subject of each entry that the server took. */
  passed(subject: string): void;
  /** There is less on the way. */
  progressed(): void;
}

/** What one PING covers. */
interface Batch {
  messages: number;
  bytes: number;
  publishes: number;
  readonly entries: Entry[];
  readonly answered: Answered[];
}

/**
 * What was handed to one link and is not known to have reached the server. A server works off what it reads in order, so
 * its PONG says that it has all that was sent before the PING; and that of it all was granted that it has not refused
 * before that PONG.
 */
export class Ledger implements Amount {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #on: LedgerListener;
  readonly #outstanding: Batch[] = [];
  #open = newBatch();
  #messages = 0;
  #bytes = 0;
  #answers = 0;
  #refusals = new Map<string, number>();
  #timer: Timer | undefined;
  #soon = false;
  #ended: BusError | undefined;

  constructor(link: Link, clock: Clock, on: LedgerListener) {
    this.#link = link;
    this.#clock = clock;
    this.#on = on;
  }

  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many PINGs were answered. */
  get answers(): number {
    return this.#answers;
  }

  /** How many PINGs were not. */
  get unanswered(): number {
    return this.#outstanding.length;
  }

  /** Notes a message that was handed over. An urgent one is followed by a PING in this very tick. */
  add(bytes: number, publish: boolean, entry?: Entry, urgent = false): void {
    const batch = this.#open;
    batch.messages += 1;
    batch.bytes += bytes;
    if (publish) batch.publishes += 1;
    if (entry) batch.entries.push(entry);
    this.#messages += 1;
    this.#bytes += bytes;
    if (batch.bytes >= PING_EVERY_BYTES) this.ping();
    else if (urgent) this.#pingSoon();
    else this.#timer ??= this.#clock.setTimer(PING_EVERY_MS, () => this.ping());
  }

  /** Sends a PING. */
  ping(answered?: Answered): void {
    if (this.#ended) {
      answered?.(this.#ended);
      return;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#soon = false;
    const batch = this.#open;
    if (answered) batch.answered.push(answered);
    this.#open = newBatch();
    this.#outstanding.push(batch);
    this.#link.ping(() => this.#onPong());
  }

  /** Resolves when all that was handed over before has reached the server. @throws BusError `TERABUS_DISCONNECTED` */
  flush(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.ping((error) => (error ? reject(error) : resolve()));
    });
  }

  /** The server refused a message on a subject: one of those that the next PONG covers. */
  refuse(subject: string): void {
    this.#refusals.set(subject, (this.#refusals.get(subject) ?? 0) + 1);
    if (this.#outstanding.length === 0) this.ping();
  }

  /** The link has ended: settles everything, and says how many publishes may be lost. */
  end(error: BusError): number {
    if (this.#ended) return 0;
    this.#ended = error;
    this.#timer?.cancel();
    const batches = [...this.#outstanding, this.#open];
    this.#outstanding.length = 0;
    this.#open = newBatch();
    this.#messages = 0;
    this.#bytes = 0;
    for (const { entries, answered } of batches) {
      for (const entry of entries) lose(entry);
      for (const one of answered) one(error);
    }
    return batches.reduce((sum, { publishes }) => sum + publishes, 0);
  }

  #pingSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    queueMicrotask(() => {
      if (this.#soon && !this.#ended) this.ping();
    });
  }

  #onPong(): void {
    const batch = this.#outstanding.shift();
    if (batch === undefined || this.#ended) return;
    this.#answers += 1;
    this.#messages -= batch.messages;
    this.#bytes -= batch.bytes;
    const refusals = this.#refusals;
    const refused = refusals.size === 0 ? undefined : this.#refusedOf(batch.entries);
    for (const entry of batch.entries) {
      if (refused?.has(entry)) refuse(entry);
      else {
        entry.settle?.resolve();
        // One that was taken before the grant went says nothing of what is granted by the end of the batch.
        if (!(entry.known && refusals.has(entry.subject))) this.#on.passed(entry.subject);
      }
    }
    for (const answered of batch.answered) answered();
    this.#on.progressed();
  }

  /**
   * The server names the subject alone. Where it refused fewer than were sent there, its rules changed in between: a
   * subject that it was known to take was taken at first, any other one was taken at last.
   */
  #refusedOf(entries: readonly Entry[]): ReadonlySet<Entry> {
    const refused = new Set<Entry>();
    for (const [subject, count] of this.#refusals) {
      const all = entries.filter((entry) => entry.subject === subject);
      const inOrder = [...all.filter(({ known }) => !known), ...all.filter(({ known }) => known).reverse()];
      for (const entry of inOrder.slice(0, count)) refused.add(entry);
    }
    this.#refusals = new Map();
    return refused;
  }
}

const newBatch = (): Batch => ({ messages: 0, bytes: 0, publishes: 0, entries: [], answered: [] });

function refuse({ subject, settle, onUnconfirmed, onRefused }: Entry): void {
  const error = forbidden({ operation: 'publish', subject, queue: undefined, subscription: undefined });
  if (settle) settle.reject(error);
  else if (onRefused) onRefused(error);
  else if (onUnconfirmed) tell(onUnconfirmed, error);
}

function lose({ subject, settle, confirm, onUnconfirmed }: Entry): void {
  const error = unconfirmedError(subject);
  if (settle && confirm) settle.reject(error);
  else if (settle) {
    settle.resolve();
    // Behind those who wait for the publish.
    if (onUnconfirmed) queueMicrotask(() => tell(onUnconfirmed, error));
  } else if (onUnconfirmed) tell(onUnconfirmed, error);
}

/** One that throws must not keep the others from being told. */
function tell(onUnconfirmed: (error: BusError) => void, error: BusError): void {
  try {
    onUnconfirmed(error);
  } catch {
    // It was told, and its code is its own.
  }
}
