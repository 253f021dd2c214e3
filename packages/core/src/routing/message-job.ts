import { BusError } from '@terabus/messages';
import type { AnyContext, Arrival } from './context.js';
import { Context } from './context.js';
import type { Job } from './job.js';
import type { PreparedHandler, Router } from './router.js';
import type { Outcome } from './settle.js';
import { type Settled, SUCCEEDED, settle } from './settle.js';
import type { Fate } from './stored-work.js';

/** One message for one handler. */
export class MessageJob implements Job, Settled {
  readonly key: unknown;
  readonly bytes: number;
  arrivedAt: number;
  readonly handler: PreparedHandler;
  readonly #router: Router;
  readonly type: string;
  readonly message: unknown;
  readonly #arrival: Arrival;
  /** Of what came out of a stream. */
  readonly #fate: Fate | undefined;
  #context: Context | undefined;

  constructor(
    router: Router,
    handler: PreparedHandler,
    type: string,
    message: unknown,
    arrival: Arrival,
    key: unknown,
    bytes: number,
    fate?: Fate,
  ) {
    this.#router = router;
    this.handler = handler;
    this.type = type;
    this.message = message;
    this.#arrival = arrival;
    this.key = key;
    this.bytes = bytes;
    this.#fate = fate;
    this.arrivedAt = arrival.arrivedAt;
    fate?.queued(this);
  }

  get keepsKey(): boolean {
    return this.#fate?.keepsKey === true;
  }

  /** It waits for its turn from now on. */
  accepted(again = false): void {
    const { service, watch } = this.#router.parts;
    watch?.({
      kind: 'accepted',
      again,
      service,
      topic: this.#arrival.topic,
      handler: this.handler.place.handler,
      type: this.type,
    });
  }

  /** Runs once more, behind those that wait: also behind those of its key, unless it has kept that. */
  again(keptKey: boolean): void {
    this.#context = undefined;
    this.arrivedAt = this.handler.place.clock.elapsed();
    this.accepted(true);
    if (keptKey) this.#router.queue.again(this);
    else this.#router.queue.enqueue(this);
  }

  /** Lets go of the key that it has kept. */
  letGo(): void {
    this.#router.queue.letGo(this);
  }

  timeLeftMs(): number {
    return this.#router.timeoutMs;
  }

  run(now: number): unknown {
    const { service, watch } = this.#router.parts;
    const own = this.#begin(now);
    const context = own as unknown as AnyContext;
    watch?.({
      kind: 'started',
      service,
      topic: this.#arrival.topic,
      handler: this.handler.place.handler,
      type: this.type,
      message: this.message,
      context,
    });
    if (this.#fate === undefined) return this.handler.run(this.message, context);
    return this.#fate.run(own, () => this.handler.run(this.message, context));
  }

  succeeded(_result: unknown, durationMs: number): void {
    try {
      this.#settle(SUCCEEDED, durationMs);
    } finally {
      this.#fate?.succeeded();
    }
  }
  failed(thrown: unknown, durationMs: number): void {
    let error: BusError | undefined;
    try {
      error = this.#settle({ kind: 'failed', thrown }, durationMs);
    } finally {
      this.#fate?.failed(error ?? BusError.from(thrown));
    }
  }
  timedOut(durationMs: number): void {
    let error: BusError | undefined;
    try {
      error = this.#settle({ kind: 'timed-out' }, durationMs);
      if (error !== undefined) this.context.abort(error);
    } finally {
      this.#fate?.failed(error ?? new BusError('a handler ran out of time', { reason: 'TERABUS_HANDLER_TIMEOUT' }));
    }
  }
  abandoned(): void {
    try {
      this.#settle({ kind: 'abandoned' }, 0);
    } finally {
      this.#fate?.abandoned();
    }
  }
  cutOff(running: boolean): void {
    // It goes back to where it came from: nothing is lost.
    if (!running && this.#fate !== undefined) {
      const { service, emit } = this.#router.parts;
      const { handler } = this.handler.place;
      emit({ kind: 'given-back', service, topic: this.#arrival.topic, handler, type: this.type });
      this.#fate.givenBack();
      return;
    }
    const error = this.#settle({ kind: 'cut-off', running }, 0);
    this.#fate?.givenBack();
    if (error !== undefined) this.context.abort(error);
  }
  behind(): void {
    this.#fate?.behind();
  }
  released(): void {
    this.#fate?.released();
  }

  get timeoutMs(): number {
    return this.#router.timeoutMs;
  }

  /** The handler's time counts from its start, so the context is made then. */
  get context(): Context {
    return this.#context ?? this.#begin(this.handler.place.clock.elapsed());
  }

  #begin(now: number): Context {
    const { place } = this.handler;
    const deadline = now + this.#router.timeoutMs;
    const arrival = this.#arrival;
    const context = this.#fate?.context(place, arrival, deadline) ?? new Context(place, arrival, deadline);
    this.#context = context;
    return context;
  }

  #settle(outcome: Outcome, durationMs: number): BusError | undefined {
    return settle(outcome, this, durationMs, this.#router.parts);
  }
}
