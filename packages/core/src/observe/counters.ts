import type { BusEvent } from './observer.js';

/** What has happened in a host since its start, in numbers. */
export interface Counters {
  /** Messages and calls whose handler ended well. */
  readonly handled: number;
  /** Messages and calls whose handler threw, rejected or ran out of time. */
  readonly failed: number;
  /** Timed-out handlers whose slot was given away. */
  readonly abandoned: number;
  /** Messages that were no messages, or misplaced: dropped. */
  readonly badMessages: number;
  /** Envelopes, and calls without an answer, that came while more was waiting than may: dropped unread. */
  readonly dropped: number;
  /** Calls that came while more was waiting than may: answered so. */
  readonly refused: number;
  /** Messages of types that nobody here handles: skipped, which is normal. */
  readonly unhandled: number;
  /** Sequence numbers that were missing when a later one or a heartbeat came; some may have come late. */
  readonly missing: number;
  /** Module messages that came again and were dropped. */
  readonly duplicates: number;
  /** Envelopes that were handed to the connection. */
  readonly published: number;
  /** Envelopes of which nobody knows whether they arrived, and those that the server refused. */
  readonly unconfirmed: number;
  /** Calls that were answered well. */
  readonly called: number;
  /** Calls that ended with an error. */
  readonly callsFailed: number;
  /** How often a stored message was put aside, to be tried again. */
  readonly retried: number;
  /** Stored messages that were given up: they lie with the dead letters. */
  readonly deadLettered: number;
  /** Stored messages that a handler with `deduplicate` had finished before. */
  readonly deduplicated: number;
  /** Stored messages that were taken, and go back to their stream since the service drains. */
  readonly givenBack: number;
  /** Messages and calls that the end of a drain cut off. */
  readonly cutOff: number;
  /** How often the link was lost. */
  readonly disconnects: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Counts what the bus tells. */
export class Counter {
  readonly #counts: Mutable<Counters> = {
    handled: 0,
    failed: 0,
    abandoned: 0,
    badMessages: 0,
    dropped: 0,
    refused: 0,
    unhandled: 0,
    missing: 0,
    duplicates: 0,
    published: 0,
    unconfirmed: 0,
    called: 0,
    callsFailed: 0,
    retried: 0,
    deadLettered: 0,
    deduplicated: 0,
    givenBack: 0,
    cutOff: 0,
    disconnects: 0,
  };

  /** The numbers as of now. */
  snapshot(): Counters {
    return { ...this.#counts };
  }

  count(event: BusEvent): void {
    const counts = this.#counts;
    switch (event.kind) {
      case 'accepted':
      case 'started':
        break;
      case 'handled':
        if (event.error === undefined) counts.handled += 1;
        else counts.failed += 1;
        break;
      case 'abandoned':
        counts.abandoned += 1;
        break;
      case 'bad-message':
        counts.badMessages += 1;
        break;
      case 'dropped':
        counts.dropped += 1;
        break;
      case 'refused':
        counts.refused += 1;
        break;
      case 'unhandled':
        counts.unhandled += 1;
        break;
      case 'sequence':
        counts.missing += event.verdict.missing;
        if (event.dropped) counts.duplicates += 1;
        break;
      case 'published':
        counts.published += 1;
        break;
      case 'unconfirmed':
        counts.unconfirmed += 1;
        break;
      case 'called':
        if (event.error === undefined) counts.called += 1;
        else counts.callsFailed += 1;
        break;
      case 'retried':
        counts.retried += 1;
        break;
      case 'dead-lettered':
        counts.deadLettered += 1;
        break;
      case 'deduplicated':
        counts.deduplicated += 1;
        break;
      case 'given-back':
        counts.givenBack += 1;
        break;
      case 'cut-off':
        counts.cutOff += event.running + event.waiting;
        break;
      case 'link':
        if (event.event.kind === 'disconnected') counts.disconnects += 1;
        if (event.event.kind === 'bad-message') counts.badMessages += 1;
        break;
    }
  }
}
