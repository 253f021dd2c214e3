import type { BusError, BusEvent, HandlerContext } from '@terabus/core';
import { systemClock } from '@terabus/core/transport';

/** One message or call that a handler got. */
export interface Handling<Message = unknown, Arguments extends readonly unknown[] = readonly unknown[]> {
  /** The address of the service: `module.<name>` or `service.<key>`. */
  readonly service: string;
  /** `Class.method`, or the name of a subscription. */
  readonly handler: string;
  readonly topic: string;
  /** The full name of the message's type, the name of the method for a call, `text` or `bytes`. */
  readonly type: string;
  /** The message; of a call, its first argument. */
  readonly message: Message;
  /** What the method was called with, but for the context. */
  readonly args: Arguments;
  /** What else the method was told: sender, sequence, headers. */
  readonly context: HandlerContext;
  /**
   * How it ended. A handler that ran out of time has `failed`, also while it still runs; one that the end of the
   * drain took away was `cut-off`.
   */
  readonly outcome: 'running' | 'succeeded' | 'failed' | 'cut-off';
  /** What went wrong; what the method threw is its `cause`. */
  readonly error: BusError | undefined;
  /** When it began, on the harness's clock (`elapsed`). */
  readonly startedAtMs: number;
}

/** One call that a service made. */
export interface Call<Arguments extends readonly unknown[] = readonly unknown[], Result = unknown> {
  /** The address of the service that called. */
  readonly service: string;
  /** Where it called: `<address>.rpc`. */
  readonly topic: string;
  readonly method: string;
  readonly args: Arguments;
  /** What came back; undefined where an error did. */
  readonly result: Result | undefined;
  readonly error: BusError | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Keeps what the hosts of a harness tell their observers, and knows what is not finished. */
export class Recorder {
  readonly handlings: Handling[] = [];
  readonly calls: Call[] = [];
  readonly #elapsed: () => number;
  readonly #running = new Map<HandlerContext, Mutable<Handling>>();
  /** By service, how much was taken in and has not ended. */
  readonly #pending = new Map<string, number>();
  /** By handler, how much was taken in and has not begun. */
  readonly #waiting = new Map<string, number>();
  readonly #wakers = new Set<() => void>();
  #moves = 0;
  #keepingPlace = 0;

  constructor(elapsed: () => number) {
    this.#elapsed = elapsed;
  }

  /** Grows with everything that happens. */
  get moves(): number {
    return this.#moves;
  }

  /** How many messages and calls were taken in and have not ended. */
  get pending(): number {
    return sum(this.#pending.values());
  }

  /** Whether what is not finished waits for time to pass: behind a message that will be tried again in its place. */
  get waitsForTime(): boolean {
    return this.#keepingPlace > 0 && this.#running.size === 0;
  }

  /** The handlers that have begun and not ended, the oldest first. */
  get running(): readonly Handling[] {
    return [...this.#running.values()];
  }

  /** How many messages wait for their turn, by handler. */
  get waiting(): ReadonlyMap<string, number> {
    return this.#waiting;
  }

  /** Takes note of something that happened, here or on the wire. */
  readonly move = (): void => {
    this.#moves += 1;
    for (const wake of [...this.#wakers]) wake();
  };

  /** Resolves when something happens or `other` settles (true), or after so much real time without (false). */
  async movesWithin(patienceMs: number, other?: Promise<unknown>): Promise<boolean> {
    return new Promise<boolean>((resolve) => {
      const end = (moved: boolean) => {
        timer.cancel();
        this.#wakers.delete(wake);
        resolve(moved);
      };
      const wake = () => end(true);
      const timer = systemClock.setTimer(patienceMs, () => end(false));
      this.#wakers.add(wake);
      other?.then(wake, wake);
    });
  }

  /** The observer of the hosts. */
  readonly observe = (event: BusEvent): void => {
    switch (event.kind) {
      case 'accepted':
        if (event.again) this.#keepingPlace -= 1;
        add(this.#pending, event.service, 1);
        add(this.#waiting, event.handler, 1);
        break;
      case 'started':
        add(this.#waiting, event.handler, -1);
        this.#running.set(event.context, this.#begin(event));
        break;
      case 'handled': {
        add(this.#pending, event.service, -1);
        let handling = this.#running.get(event.context);
        if (handling === undefined) {
          // It never began: its arguments were bad, or its time was over before its turn.
          add(this.#waiting, event.handler, -1);
          handling = this.#begin(event);
        }
        this.#running.delete(event.context);
        handling.outcome = event.error === undefined ? 'succeeded' : 'failed';
        handling.error = event.error;
        break;
      }
      case 'retried':
        if (event.inPlace) this.#keepingPlace += 1;
        break;
      case 'given-back':
        add(this.#pending, event.service, -1);
        add(this.#waiting, event.handler, -1);
        break;
      case 'cut-off':
        this.#cutOff(event.service);
        break;
      case 'called':
        this.calls.push(event);
        break;
      case 'abandoned':
      case 'bad-message':
      case 'dropped':
      case 'refused':
      case 'unhandled':
      case 'sequence':
      case 'published':
      case 'unconfirmed':
      case 'dead-lettered':
      case 'deduplicated':
      case 'link':
        break;
    }
    this.move();
  };

  #begin(event: Extract<BusEvent, { readonly kind: 'started' | 'handled' }>): Mutable<Handling> {
    const { service, handler, topic, type, message, context } = event;
    const args = context.kind === 'rpc' ? [...(message as readonly unknown[])] : [message];
    const handling: Mutable<Handling> = {
      service,
      handler,
      topic,
      type,
      message: args[0],
      args,
      context,
      outcome: 'running',
      error: undefined,
      startedAtMs: this.#elapsed(),
    };
    this.handlings.push(handling);
    return handling;
  }

  #cutOff(service: string): void {
    this.#pending.delete(service);
    for (const [context, handling] of this.#running) {
      if (handling.service !== service) continue;
      handling.outcome = 'cut-off';
      this.#running.delete(context);
    }
  }
}

function add(counts: Map<string, number>, key: string, step: number): void {
  const count = (counts.get(key) ?? 0) + step;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
