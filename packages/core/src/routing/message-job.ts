import type { BusError } from '@terabus/messages';
import type { AnyContext, Arrival } from './context.js';
import { Context } from './context.js';
import type { Job } from './job.js';
import type { PreparedHandler, Router } from './router.js';
import type { Outcome } from './settle.js';
import { settle } from './settle.js';

/** One message for one handler. */
export class MessageJob implements Job {
  readonly key: unknown;
  readonly bytes: number;
  readonly arrivedAt: number;
  readonly handler: PreparedHandler;
  readonly #router: Router;
  readonly #type: string;
  readonly #message: unknown;
  readonly #arrival: Arrival;
  #context: Context | undefined;

  constructor(
    router: Router,
    handler: PreparedHandler,
    type: string,
    message: unknown,
    arrival: Arrival,
    key: unknown,
    bytes: number,
  ) {
    this.#router = router;
    this.handler = handler;
    this.#type = type;
    this.#message = message;
    this.#arrival = arrival;
    this.key = key;
    this.bytes = bytes;
    this.arrivedAt = handler.place.clock.elapsed();
  }

  timeLeftMs(): number {
    return this.#router.timeoutMs;
  }

  run(): unknown {
    const { service, watch } = this.#router.parts;
    const context = this.#contextNow() as unknown as AnyContext;
    watch?.({
      kind: 'started',
      service,
      topic: this.#arrival.topic,
      handler: this.handler.place.handler,
      type: this.#type,
      message: this.#message,
      context,
    });
    return this.handler.run(this.#message, context);
  }

  succeeded(_result: unknown, durationMs: number): void {
    this.#settle({ kind: 'succeeded' }, durationMs);
  }
  failed(thrown: unknown, durationMs: number): void {
    this.#settle({ kind: 'failed', thrown }, durationMs);
  }
  timedOut(durationMs: number): void {
    const error = this.#settle({ kind: 'timed-out' }, durationMs);
    if (error !== undefined) this.#contextNow().abort(error);
  }
  abandoned(): void {
    this.#settle({ kind: 'abandoned' }, 0);
  }
  cutOff(running: boolean): void {
    const error = this.#settle({ kind: 'cut-off', running }, 0);
    if (error !== undefined) this.#contextNow().abort(error);
  }

  /** The handler's time counts from its start, so the context is made then. */
  #contextNow(): Context {
    if (this.#context === undefined) {
      const { place } = this.handler;
      this.#context = new Context(place, this.#arrival, place.clock.elapsed() + this.#router.timeoutMs);
    }
    return this.#context;
  }

  #settle(outcome: Outcome, durationMs: number): BusError | undefined {
    const { parts, timeoutMs } = this.#router;
    return settle(
      outcome,
      { context: this.#contextNow(), type: this.#type, message: this.#message, durationMs, timeoutMs },
      parts,
    );
  }
}
