import type { QueueLimit, QueueLimits } from '../routing/limits.js';
import type { Clock } from '../transport/clock.js';
import { headersSizeOf } from '../transport/headers.js';
import type { Inbound } from '../transport/transport.js';

/** 10,000 messages are what a busy service gets in some seconds. */
const GATE_LIMITS: QueueLimits = { maxQueued: 10_000, maxQueuedBytes: 64 * 2 ** 20 };

/** Why something is not held, for sentences. */
export const heldSentence = (why: QueueLimit): string =>
  `${GATE_LIMITS[why]} ${why === 'maxQueued' ? 'messages' : 'bytes'} are held until another instance has finished`;

/** Whoever takes what comes through a gate. */
export interface Receiver {
  /** `arrivedAt`, on `clock.elapsed()`, where it came earlier and was held. */
  readonly deliver: (inbound: Inbound, arrivedAt?: number) => void;
  /** There is no room to hold it. */
  readonly overflow: (inbound: Inbound, why: QueueLimit) => void;
}

interface Held {
  readonly deliver: Receiver['deliver'];
  readonly inbound: Inbound;
  readonly arrivedAt: number;
}

/** Stands in front of the handlers of an instance: closed, it holds what comes until another instance has finished. */
export class Gate {
  readonly #clock: Clock;
  #held: Held[] = [];
  #bytes = 0;
  #open = false;
  /** What is held from here on came to this instance alone. */
  #mark: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get held(): number {
    return this.#held.length;
  }

  through({ deliver, overflow }: Receiver): (inbound: Inbound) => void {
    return (inbound) => {
      if (this.#open) {
        deliver(inbound);
        return;
      }
      const why = this.#full();
      if (why === undefined) this.#hold(deliver, inbound);
      else overflow(inbound, why);
    };
  }

  close(): void {
    this.#open = false;
    this.#mark = undefined;
  }

  mark(): void {
    this.#mark ??= this.#held.length;
  }

  /** Hands on what is held, and from now on what comes. `atMark` is called between what came before and after it. */
  open(atMark: () => void): void {
    const held = this.#held;
    const mark = this.#mark ?? held.length;
    this.#held = [];
    this.#bytes = 0;
    this.#open = true;
    for (const { deliver, inbound, arrivedAt } of held.slice(0, mark)) deliver(inbound, arrivedAt);
    atMark();
    for (const { deliver, inbound, arrivedAt } of held.slice(mark)) deliver(inbound, arrivedAt);
  }

  /** As in a queue of work, the last one may go beyond the limits. */
  #full(): QueueLimit | undefined {
    if (this.#held.length >= GATE_LIMITS.maxQueued) return 'maxQueued';
    return this.#bytes >= GATE_LIMITS.maxQueuedBytes ? 'maxQueuedBytes' : undefined;
  }

  #hold(deliver: Receiver['deliver'], inbound: Inbound): void {
    this.#bytes += inbound.bytes.length + headersSizeOf(inbound);
    this.#held.push({ deliver, inbound, arrivedAt: this.#clock.elapsed() });
  }
}
