import { BusError } from '@terabus/messages';
import type { Timer } from '../transport/clock.js';
import type { StreamDelivery } from '../transport/streams.js';
import type { GroupParts } from './group-parts.js';

/** How an ordered group reads. */
export interface OrderedReading {
  readonly stream: string;
  readonly consumer: string;
  readonly ackWaitMs: number;
  /** How many deliveries the reader answers for, and how many it has settled since it was made. */
  readonly count: () => { readonly unsettled: number; readonly settled: number };
  /** Begins with one. */
  readonly take: (delivery: StreamDelivery) => void;
}

/**
 * Lets an ordered group begin with nothing before all that the server has handed out is here: what another reader had
 * taken and not settled, and what was on its way when the link was lost, comes again later than what is newer. It comes
 * at once where it was given back, and after `ackWaitMs` of silence where its reader died.
 */
export class Order {
  readonly #parts: GroupParts;
  readonly #reading: OrderedReading;
  /** What came so far, by its number. Undefined while messages begin as they come. */
  #held: Map<number, StreamDelivery> | undefined = new Map();
  #since = 0;
  #timer: Timer | undefined;
  #ended = true;

  constructor(parts: GroupParts, reading: OrderedReading) {
    this.#parts = parts;
    this.#reading = reading;
  }

  /** Holds what comes until all is here: at the start, and when the link is lost. */
  hold(): void {
    this.#ended = false;
    this.#held ??= new Map();
    this.#since = this.#parts.clock.elapsed();
  }

  /** Keeps one that must not begin yet. Says whether it does. */
  keeps(delivery: StreamDelivery): boolean {
    this.#held?.get(delivery.sequence)?.superseded();
    this.#held?.set(delivery.sequence, delivery);
    return this.#held !== undefined;
  }

  /** Hands back what is held. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
    for (const delivery of this.#inOrder()) delivery.later(0);
    this.#held = new Map();
  }

  /** Looks whether all is here, and goes on looking until it is. */
  async look(): Promise<void> {
    const { transport, clock, reporter } = this.#parts;
    const { stream, consumer, ackWaitMs, count } = this.#reading;
    this.#timer?.cancel();
    const before = count();
    const here = before.unsettled + (this.#held?.size ?? 0);
    let handedOut = Number.POSITIVE_INFINITY;
    try {
      handedOut = (await transport.streams.consumerState(stream, consumer)).unsettled;
    } catch {
      // The link is lost, or it is looked for elsewhere.
    }
    if (this.#ended || this.#held === undefined) return;
    // What was settled meanwhile may be missing in either number.
    if (handedOut <= here - (count().settled - before.settled)) {
      this.#go();
      return;
    }
    if (clock.elapsed() - this.#since > 3 * ackWaitMs && handedOut !== Number.POSITIVE_INFINITY) {
      const error = new BusError(`what ${consumer} was given before did not come again: it goes on without`, {
        reason: 'TERABUS_STREAM_UNAVAILABLE',
      });
      reporter.report(stream, error, { stream, consumer });
      this.#go();
      return;
    }
    for (const delivery of this.#held.values()) delivery.working();
    this.#timer = clock.setTimer(Math.min(500, ackWaitMs / 10), () => void this.look());
  }

  #go(): void {
    const held = this.#inOrder();
    this.#held = undefined;
    for (const delivery of held) this.#reading.take(delivery);
  }

  #inOrder(): StreamDelivery[] {
    return [...(this.#held?.values() ?? [])].toSorted((left, right) => left.sequence - right.sequence);
  }
}
