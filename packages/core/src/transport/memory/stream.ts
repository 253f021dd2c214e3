import { BusError } from '@terabus/messages';
import { matcherOf } from '../../topics/pattern.js';
import type { Clock } from '../clock.js';
import { headersSize } from '../headers.js';
import type { StreamPlan } from '../store-plan.js';
import type { Stored, StreamQuery, StreamState } from '../streams.js';
import type { Headers } from '../transport.js';
import { MemoryConsumer } from './consumer.js';
import { MessageIds } from './message-ids.js';
import { SubjectIndex } from './subject-index.js';

/** A message as a stream holds it. */
export interface Row {
  readonly sequence: number;
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** As on the wire, those of the transport among them. */
  readonly headers: Headers;
  /** With its headers, without what the stream keeps around it. */
  readonly size: number;
  /** In milliseconds since the Unix epoch. */
  readonly storedAt: number;
  readonly elapsedMs: number;
}

/** What comes to be stored: its bytes and headers are the stream's from now on. */
export interface Arrival {
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
}

/** What a file of nats-server has around each message: its length, number, time and checksum. */
const FRAME_BYTES = 30;
const HEADER_FRAME_BYTES = 4;

/** A stream of a {@link MemoryBroker}: the part of JetStream. All limits of time are looked at when somebody asks. */
export class MemoryStream {
  readonly consumers = new Map<string, MemoryConsumer>();
  readonly #clock: Clock;
  readonly #onStored: (row: Row, previous: number) => void;
  readonly #rows = new Map<number, Row>();
  readonly #subjects = new SubjectIndex(this.#rows);
  readonly #ids = new MessageIds();
  #plan: StreamPlan;
  #matchers: readonly ((subject: string) => boolean)[];
  #bytes = 0;
  #first = 1;
  #last = 0;

  /** `onStored` gets each message that was stored, with the number of the one before it on its subject. */
  constructor(plan: StreamPlan, clock: Clock, onStored: (row: Row, previous: number) => void) {
    this.#plan = { ...plan, consumers: [] };
    this.#matchers = plan.subjects.map(matcherOf);
    this.#clock = clock;
    this.#onStored = onStored;
    for (const consumer of plan.consumers) this.addConsumer(consumer);
  }

  /** How it is, consumers included. */
  get plan(): StreamPlan {
    return { ...this.#plan, consumers: [...this.consumers.values()].map(({ plan }) => plan) };
  }

  /** Changes what is not of its consumers, as an administrator may. */
  alter(changes: Partial<Omit<StreamPlan, 'name' | 'consumers'>>): void {
    this.#plan = { ...this.#plan, ...changes };
    this.#matchers = this.#plan.subjects.map(matcherOf);
    this.#trim();
  }

  addConsumer(plan: StreamPlan['consumers'][number]): void {
    this.#expire();
    this.consumers.set(plan.name, new MemoryConsumer(plan, this, this.#clock));
  }

  takes(subject: string): boolean {
    return this.#matchers.some((matches) => matches(subject));
  }

  /** @throws BusError `TERABUS_STREAM_FULL` */
  store({ subject, bytes, headers }: Arrival, messageId?: string): Stored {
    this.#expire();
    const elapsedMs = this.#clock.elapsed();
    const known =
      messageId === undefined ? undefined : this.#ids.get(messageId, elapsedMs, this.#plan.duplicateWindowMs);
    if (known !== undefined) return { stream: this.#plan.name, sequence: known, duplicate: true };
    const size = headersSize(headers) + bytes.length;
    this.#refuseWhenFull(subject, size);
    const previous = this.#subjects.last(subject);
    this.#last += 1;
    const row: Row = { sequence: this.#last, subject, bytes, headers, size, storedAt: this.#clock.now(), elapsedMs };
    this.#rows.set(row.sequence, row);
    this.#bytes += fileSize(row);
    this.#subjects.add(row);
    if (messageId !== undefined) this.#ids.add(messageId, row.sequence, elapsedMs);
    for (const consumer of this.consumers.values()) consumer.stored(row);
    this.#trim();
    this.#onStored(row, previous);
    for (const consumer of this.consumers.values()) consumer.handOut();
    return { stream: this.#plan.name, sequence: row.sequence, duplicate: false };
  }

  get(sequence: number): Row | undefined {
    this.#expire();
    return this.#rows.get(sequence);
  }

  /** The first one from a number on that `wanted` takes. */
  next(fromSequence: number, wanted: (row: Row) => boolean): Row | undefined {
    this.#expire();
    for (let sequence = Math.max(fromSequence, this.#first); sequence <= this.#last; sequence += 1) {
      const row = this.#rows.get(sequence);
      if (row !== undefined && wanted(row)) return row;
    }
    return undefined;
  }

  find(query: StreamQuery): Row | undefined {
    if ('lastOf' in query) {
      this.#expire();
      return this.#rows.get(this.#subjects.last(query.lastOf));
    }
    const { fromSequence, filter = '>' } = query;
    const matches = matcherOf(filter);
    return this.next(fromSequence, ({ subject }) => matches(subject));
  }

  subjects(pattern: string): string[] {
    this.#expire();
    return this.#subjects.all().filter(matcherOf(pattern));
  }

  purge(what: { readonly sequence: number } | { readonly filter: string }): number {
    this.#expire();
    const gone = 'sequence' in what ? this.#numbered(what.sequence) : this.#matching(what.filter);
    for (const row of gone) this.#remove(row);
    for (const consumer of this.consumers.values()) consumer.handOut();
    return gone.length;
  }

  #numbered(sequence: number): readonly Row[] {
    const row = this.#rows.get(sequence);
    return row === undefined ? [] : [row];
  }

  #matching(filter: string): readonly Row[] {
    const matches = matcherOf(filter);
    return [...this.#rows.values()].filter(({ subject }) => matches(subject));
  }

  /** A consumer is done with a message. */
  acknowledged(sequence: number): void {
    const row = this.#rows.get(sequence);
    if (row !== undefined && this.#plan.retention === 'workqueue') this.#remove(row);
  }

  get state(): StreamState {
    this.#expire();
    return {
      messages: this.#rows.size,
      bytes: this.#bytes,
      firstSequence: this.#last === 0 ? 0 : this.#first,
      lastSequence: this.#last,
    };
  }

  /** It is deleted: nothing goes out any more. */
  end(): void {
    for (const consumer of this.consumers.values()) consumer.end();
  }

  #refuseWhenFull(subject: string, size: number): void {
    const { name, discard, maxMessages, maxBytes, maxMessagesPerSubject } = this.#plan;
    if (discard !== 'new') return;
    // One that takes the place of another of its subject makes its own room.
    const replaced =
      maxMessagesPerSubject > 0 && this.#subjects.count(subject) >= maxMessagesPerSubject
        ? this.#rows.get(this.#subjects.first(subject))
        : undefined;
    const tooMany = maxMessages >= 0 && this.#rows.size >= maxMessages && replaced === undefined;
    const tooLarge =
      maxBytes >= 0 && this.#bytes + size >= maxBytes && (replaced === undefined || fileSize(replaced) <= size);
    if (!tooMany && !tooLarge) return;
    throw new BusError(
      `the stream '${name}' is full: it holds ${this.#rows.size} messages and ${this.#bytes} bytes, of at most ` +
        (tooMany ? `${maxMessages} messages` : `${maxBytes} bytes`),
      { reason: 'TERABUS_STREAM_FULL', details: { stream: name } },
    );
  }

  /** Lets the oldest go until all limits hold. */
  #trim(): void {
    const { maxMessages, maxBytes, maxMessagesPerSubject } = this.#plan;
    const newest = this.#rows.get(this.#last);
    while (maxMessagesPerSubject > 0 && newest && this.#subjects.count(newest.subject) > maxMessagesPerSubject) {
      this.#remove(this.#rows.get(this.#subjects.first(newest.subject)) as Row);
    }
    while ((maxMessages >= 0 && this.#rows.size > maxMessages) || (maxBytes >= 0 && this.#bytes > maxBytes)) {
      const oldest = this.#rows.get(this.#first);
      if (oldest === undefined) return;
      this.#remove(oldest);
    }
  }

  #expire(): void {
    const { maxAgeMs } = this.#plan;
    if (maxAgeMs === 0) return;
    const elapsedMs = this.#clock.elapsed();
    for (let oldest = this.#rows.get(this.#first); oldest; oldest = this.#rows.get(this.#first)) {
      if (oldest.elapsedMs + maxAgeMs > elapsedMs) return;
      this.#remove(oldest);
    }
  }

  #remove(row: Row): void {
    this.#rows.delete(row.sequence);
    this.#bytes -= fileSize(row);
    this.#subjects.remove(row);
    while (this.#first <= this.#last && !this.#rows.has(this.#first)) this.#first += 1;
    for (const consumer of this.consumers.values()) consumer.removed(row);
  }
}

function fileSize({ subject, headers, size }: Row): number {
  return FRAME_BYTES + subject.length + (headers.size > 0 ? HEADER_FRAME_BYTES : 0) + size;
}
