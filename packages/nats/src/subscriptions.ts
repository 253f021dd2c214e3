import type { BusError, Clock, Timer, TransportEvent } from '@terabus/core/transport';
import { closedError } from './errors.js';
import type { LinkSubscription } from './link.js';
import type { Live } from './outbox.js';
import type { Problems } from './problems.js';
import type { RawMessage } from './raw-message.js';
import { forbidden, grantFor, type Refusal } from './refusal.js';

/** After so long one that was taken away is asked for again: a server says nothing when it grants it. */
const AGAIN_MS = 2_000;

interface Registered {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly deliver: (message: RawMessage) => void;
  readonly onLost: ((error: BusError) => void) | undefined;
  /** What it is on the link in use. */
  current: LinkSubscription | undefined;
  refusal: BusError | undefined;
  /** Whether the server of the link in use is known to have it. */
  confirmed: boolean;
  /** Whether it was told that it is lost, and is not back. */
  lost: boolean;
  /** Whoever subscribed and still waits. */
  settle: { resolve(): void; reject(error: BusError): void } | undefined;
}

/** A subscription that outlives links. */
export interface Subscribed {
  /** Resolves when a server knows of it. Rejects with `TERABUS_NATS_FORBIDDEN`, `TERABUS_CLOSED`. */
  readonly ready: Promise<void>;
  /** Ends it, and resolves when nothing more will be handed over. */
  drain(): Promise<void>;
}

/** All subscriptions of a connection: each is made anew on each link. */
export class Subscriptions {
  readonly #all = new Set<Registered>();
  readonly #problems: Problems;
  readonly #emit: (event: TransportEvent) => void;
  readonly #clock: Clock;
  #live: Live | undefined;
  #again: Timer | undefined;
  #closed = false;

  constructor(problems: Problems, clock: Clock, emit: (event: TransportEvent) => void) {
    this.#problems = problems;
    this.#clock = clock;
    this.#emit = emit;
  }

  /**
   * Subscribes on the link in use, or on the next one if there is none. `onLost` is called when the server ends it by new
   * rules; it is then tried again every two seconds, and on later links.
   *
   * @throws BusError
   */
  add(
    subject: string,
    queue: string | undefined,
    deliver: (message: RawMessage) => void,
    onLost?: (error: BusError) => void,
  ): Subscribed {
    if (this.#closed) throw closedError();
    const one: Registered = {
      ...{ subject, queue, deliver, onLost },
      ...{ current: undefined, refusal: undefined, confirmed: false, lost: false, settle: undefined },
    };
    const ready = new Promise<void>((resolve, reject) => {
      one.settle = { resolve, reject };
    });
    if (this.#live) this.#open(one, this.#live);
    this.#all.add(one);
    // Nobody may be waiting when it is drained, or closed, before a server knew of it.
    ready.catch(() => {});
    // When the link ends first, the next one settles it.
    this.#live?.ledger.ping((error) => {
      if (!error) this.#settle(one);
    });
    return { ready, drain: () => this.#drain(one) };
  }

  /** Makes all of them on a new link. Resolves when its server knows of them. */
  async renew(live: Live): Promise<void> {
    this.#live = live;
    const all = [...this.#all];
    for (const one of all) this.#open(one, live);
    await live.ledger.flush();
    for (const one of all) this.#settle(one);
  }

  /** There is no link any more. */
  detach(): void {
    this.#live = undefined;
    for (const one of this.#all) one.current = undefined;
  }

  /** The server has refused one, or has ended it by new rules. */
  refuse(refusal: Refusal): void {
    const { subject, queue, subscription } = refusal;
    const error = forbidden(refusal);
    for (const one of this.#all) {
      if (one.refusal || !one.current) continue;
      if (subscription === undefined ? one.subject !== subject || one.queue !== queue : one.current.id !== subscription)
        continue;
      one.refusal = error;
      if (one.confirmed) this.#lose(one, error);
      return;
    }
    this.#emit({ kind: 'error', error });
  }

  async drainAll(): Promise<void> {
    await Promise.all([...this.#all].map((one) => this.#drain(one)));
  }

  close(): void {
    this.#closed = true;
    this.#again?.cancel();
    for (const { settle } of this.#all) settle?.reject(closedError());
    this.#all.clear();
  }

  #open(one: Registered, { link }: Live): void {
    one.refusal = undefined;
    one.confirmed = false;
    one.current = link.subscribe(one.subject, one.queue, one.deliver);
  }

  /** The server has worked off the subscription. */
  #settle(one: Registered): void {
    if (!this.#all.has(one)) return;
    const { refusal, settle } = one;
    one.settle = undefined;
    if (!refusal) {
      one.confirmed = true;
      one.lost = false;
      this.#problems.solve(keyOf(one));
      settle?.resolve();
      return;
    }
    if (settle) {
      this.#all.delete(one);
      this.#problems.add(keyOf(one), refusal);
      settle.reject(refusal);
    } else this.#lose(one, refusal);
  }

  #lose(one: Registered, error: BusError): void {
    one.confirmed = false;
    this.#again ??= this.#clock.setTimer(AGAIN_MS, () => this.#tryAgain());
    if (one.lost) return;
    one.lost = true;
    this.#problems.add(keyOf(one), error);
    this.#emit({ kind: 'error', error });
    one.onLost?.(error);
  }

  #tryAgain(): void {
    this.#again = undefined;
    // Without a link, the next one does it.
    const live = this.#live;
    const lost = [...this.#all].filter((one) => one.lost && one.refusal);
    if (!live || lost.length === 0) return;
    for (const one of lost) {
      one.current?.end();
      this.#open(one, live);
    }
    live.ledger.ping((error) => {
      if (!error) for (const one of lost) this.#settle(one);
    });
  }

  #drain(one: Registered): Promise<void> {
    const { current } = one;
    this.#all.delete(one);
    one.settle?.reject(closedError());
    if (!current || !this.#live) return Promise.resolve();
    const { ledger } = this.#live;
    current.end();
    // When the link ends, nothing more is handed over either.
    return new Promise((resolve) => ledger.ping(() => resolve()));
  }
}

/** Places for answers are other ones each time: by what is granted, the next one that is let be solves it for all of them. */
const keyOf = ({ subject, queue }: Registered) => `subscribe ${grantFor(subject)} ${queue ?? ''}`;
