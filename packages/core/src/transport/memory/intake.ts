import type { ConsumeOptions, Consuming, StreamDelivery } from '../streams.js';
import type { Calls } from './calls.js';
import type { HandedOut, MemoryConsumer, Reader } from './consumer.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { MemoryStore } from './store.js';
import { toStoredMessage } from './stored-message.js';

/** What an intake needs of its connection. */
export interface IntakeParts {
  readonly store: MemoryStore;
  readonly queue: DeliveryQueue;
  readonly calls: Calls;
}

/** A running {@link Consuming} of a connection. */
export class Intake implements Consuming, Reader {
  readonly #parts: IntakeParts;
  readonly #options: ConsumeOptions;
  readonly #deliver: (delivery: StreamDelivery) => void;
  readonly #onStopped: () => void;
  #consumer: MemoryConsumer | undefined;
  #unsettled = 0;
  #unsettledBytes = 0;
  /** Grows with each loss of the link: what was on its way is lost. */
  #losses = 0;
  #stopped: Promise<void> | undefined;

  constructor(
    parts: IntakeParts,
    options: ConsumeOptions,
    deliver: (delivery: StreamDelivery) => void,
    onStopped: () => void,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#deliver = deliver;
    this.#onStopped = onStopped;
  }

  get hasRoom(): boolean {
    const { maxUnsettled, maxUnsettledBytes } = this.#options;
    return this.#unsettled < maxUnsettled && this.#unsettledBytes < maxUnsettledBytes;
  }

  /**
   * Reads from the consumer that is there by now, if any.
   *
   * @throws BusError `TERABUS_CONSUMER_MISSING`
   */
  attach(): void {
    if (this.#stopped) return;
    const { stream, consumer } = this.#options;
    const found = this.#parts.store.consumer(stream, consumer);
    if (found === this.#consumer) return;
    this.#detach();
    this.#consumer = found;
    found.attach(this);
  }

  /** Reads again from a consumer that may have come back. */
  attachIfThere(): void {
    const { stream, consumer } = this.#options;
    if (this.#parts.store.hasConsumer(stream, consumer)) this.attach();
  }

  take(handedOut: HandedOut): void {
    const consumer = this.#consumer as MemoryConsumer;
    const { size } = handedOut.row;
    const losses = this.#losses;
    this.#unsettled += 1;
    this.#unsettledBytes += size;
    this.#parts.queue.push(() => {
      if (losses === this.#losses) this.#deliver(this.#delivery(handedOut, consumer));
      else this.#makeRoom(size);
    });
  }

  stop(): Promise<void> {
    if (this.#stopped === undefined) {
      this.#detach();
      this.#onStopped();
      // Behind all that is on its way.
      this.#stopped = new Promise((resolve) => this.#parts.queue.push(resolve));
    }
    return this.#stopped;
  }

  /** The link is lost, and with it what was on its way; the consumer hands it out again. */
  interrupt(): void {
    this.#losses += 1;
    this.#detach();
  }

  #detach(): void {
    this.#consumer?.detach(this);
    this.#consumer = undefined;
  }

  #makeRoom(size: number): void {
    this.#unsettled -= 1;
    this.#unsettledBytes -= size;
    this.#consumer?.handOut();
  }

  #delivery({ row, deliveries, pending }: HandedOut, consumer: MemoryConsumer): StreamDelivery {
    const { calls } = this.#parts;
    let settled = false;
    const release = () => {
      settled = true;
      this.#parts.queue.push(() => this.#makeRoom(row.size));
    };
    const settle = (act: () => void) => {
      if (settled) return;
      calls.tell(act);
      release();
    };
    return {
      ...toStoredMessage(row, this.#options.stream),
      deliveries,
      pending,
      ack: () => settle(() => consumer.ack(row.sequence)),
      later: (delayMs) => settle(() => consumer.later(row.sequence, delayMs)),
      superseded: () => {
        if (!settled) release();
      },
      working: () => {
        if (!settled) calls.tell(() => consumer.working(row.sequence));
      },
    };
  }
}
