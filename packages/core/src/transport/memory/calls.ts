import { BusError } from '@terabus/messages';
import type { DeliveryQueue } from './delivery-queue.js';

interface Call {
  lost: boolean;
  readonly fail: (error: BusError) => void;
}

/**
 * What a connection asks of what is stored. It reaches the server when the event loop turns, and its answer comes a
 * turn later: the link can be lost before the one and before the other.
 */
export class Calls {
  readonly #queue: DeliveryQueue;
  readonly #refused: () => Promise<never> | undefined;
  readonly #open = new Set<Call>();
  #isUp = true;

  /** `refused` says why nothing can be asked at this moment, a turn of the event loop later. */
  constructor(queue: DeliveryQueue, refused: () => Promise<never> | undefined) {
    this.#queue = queue;
    this.#refused = refused;
  }

  /** Resolves or rejects with what `act` does at the server; with what `lost` makes of the loss of the link. */
  async ask<T>(act: () => T, lost: (cause: BusError) => BusError = disconnected): Promise<T> {
    const refused = this.#refused();
    if (refused) await refused;
    return await new Promise<T>((resolve, reject) => {
      const call = { lost: false, fail: (cause: BusError) => reject(lost(cause)) };
      this.#open.add(call);
      this.#queue.push(() => {
        if (call.lost) return;
        const settle = outcome(act, resolve, reject);
        this.#queue.push(() => {
          if (this.#open.delete(call)) settle();
        });
      });
    });
  }

  /** Tells the server something that it does not answer to; without a link nobody hears it. */
  tell(act: () => void): void {
    if (!this.#isUp) return;
    const call = { lost: false, fail: () => {} };
    this.#open.add(call);
    this.#queue.push(() => {
      if (this.#open.delete(call)) act();
    });
  }

  /** The link is back. */
  restore(): void {
    this.#isUp = true;
  }

  /** The link is lost, and all of it. */
  lose(cause: BusError): void {
    this.#isUp = false;
    const lost = [...this.#open];
    this.#open.clear();
    for (const call of lost) {
      call.lost = true;
      this.#queue.push(() => call.fail(cause));
    }
  }
}

function outcome<T>(act: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): () => void {
  try {
    const value = act();
    return () => resolve(value);
  } catch (error) {
    return () => reject(error);
  }
}

function disconnected(cause: BusError): BusError {
  return cause.reason === 'TERABUS_CLOSED' || cause.reason === 'TERABUS_DISCONNECTED'
    ? cause
    : new BusError('the link to the memory broker was lost', { reason: 'TERABUS_DISCONNECTED', cause });
}
