import { BusError } from '@terabus/messages';
import type { Amount } from '../transport-health.js';
import type { DeliveryQueue } from './delivery-queue.js';
import type { Transit } from './exchange.js';

/** Something on its way, and whom to tell if it is lost. */
interface Sent extends Transit {
  readonly onLost: ((error: BusError) => void) | undefined;
}

/** What one connection has sent since the event loop turned last: the server does not count as having it yet. */
export class InTransit {
  readonly #queue: DeliveryQueue;
  readonly #sent = new Set<Sent>();

  constructor(queue: DeliveryQueue) {
    this.#queue = queue;
  }

  /** Messages whose publisher is told if they are lost: not requests, not answers. */
  get unconfirmed(): Amount {
    const published = this.#published();
    return { messages: published.length, bytes: published.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Takes note of something that is about to be queued. */
  add(bytes: number, onLost?: (error: BusError) => void): Transit {
    const sent = { bytes, lost: false, onLost };
    this.#sent.add(sent);
    this.#queue.push(() => this.#sent.delete(sent));
    return sent;
  }

  /** The link is lost, and all of it; says how many messages were published. */
  lose(cause: BusError): number {
    const published = this.#published();
    for (const each of this.#sent) each.lost = true;
    this.#sent.clear();
    for (const { onLost } of published) {
      onLost?.(
        new BusError('the link to the memory broker was lost before it was known to have the message', {
          reason: 'TERABUS_UNCONFIRMED',
          cause,
        }),
      );
    }
    return published.length;
  }

  #published(): Sent[] {
    return [...this.#sent].filter(({ onLost }) => onLost !== undefined);
  }
}
