import { BusError } from '@terabus/messages';
import { HEADER } from '../publishing/headers.js';
import type { AnyContext, Arrival } from '../routing/context.js';
import { Context } from '../routing/context.js';
import type { Job } from '../routing/job.js';
import type { Outcome } from '../routing/settle.js';
import { SUCCEEDED, settle } from '../routing/settle.js';
import type { Answerer, PreparedMethod, ReceivedCall } from './answer.js';
import { parseTimeout } from './deadline.js';
import { errorReply, okReply } from './reply.js';
import { decodeArguments, encodeResult } from './values.js';

/** One call. */
export class CallJob implements Job {
  readonly key = undefined;
  readonly bytes: number;
  readonly arrivedAt: number;
  readonly #answerer: Answerer;
  readonly #method: PreparedMethod;
  readonly #call: ReceivedCall;
  /** When the caller's patience ends, on `clock.elapsed()`: counted from receipt, so clocks need not agree. */
  readonly #callerDeadline: number;
  /** How long it may run, as of its start. */
  #allowedMs = 0;
  #args: unknown[] = [];
  #context: Context | undefined;

  constructor(answerer: Answerer, method: PreparedMethod, call: ReceivedCall, arrivedAt: number) {
    this.bytes = call.size;
    this.arrivedAt = arrivedAt;
    this.#answerer = answerer;
    this.#method = method;
    this.#call = call;
    const callerAllowsMs = parseTimeout(call.headers.get(HEADER.timeoutMs)) ?? Number.POSITIVE_INFINITY;
    this.#callerDeadline = this.arrivedAt + callerAllowsMs;
  }

  timeLeftMs(now: number): number {
    const { options } = this.#answerer.parts;
    this.#allowedMs = Math.min(options.timeoutMs, this.#callerDeadline - now);
    return this.#allowedMs;
  }

  run(): unknown {
    this.#args = decodeArguments(this.#method.plan.method, this.#call.args);
    const { service, watch } = this.#answerer.parts;
    const context = this.#contextNow() as unknown as AnyContext;
    watch?.({
      kind: 'started',
      service,
      topic: this.#call.topic,
      handler: this.#method.place.handler,
      type: this.#call.head.method,
      message: this.#args,
      context,
    });
    return this.#method.run(this.#args, context);
  }

  succeeded(result: unknown, durationMs: number): void {
    let json: string;
    try {
      json = encodeResult(this.#method.plan.method, result);
    } catch (error) {
      this.failed(error, durationMs);
      return;
    }
    this.#settle(SUCCEEDED, durationMs);
    this.#reply(okReply(this.#call.head, json));
  }

  failed(thrown: unknown, durationMs: number): void {
    this.#settle({ kind: 'failed', thrown }, durationMs);
    this.#reply(errorReply(this.#call.head, this.#errorForCaller(thrown)));
  }

  timedOut(durationMs: number): void {
    const error = this.#settle({ kind: 'timed-out' }, durationMs);
    if (error === undefined) return;
    this.#contextNow().abort(error);
    this.#reply(errorReply(this.#call.head, error));
  }

  abandoned(): void {
    this.#settle({ kind: 'abandoned' }, 0);
  }

  cutOff(running: boolean): void {
    const error = this.#settle({ kind: 'cut-off', running }, 0);
    if (error === undefined) return;
    this.#contextNow().abort(error);
    this.#reply(errorReply(this.#call.head, error));
  }

  /** A `BusError` travels; of anything else the caller gets no more than an id to find in the log. */
  #errorForCaller(thrown: unknown): BusError {
    if (BusError.is(thrown)) return BusError.from(thrown);
    const { place, plan } = this.#method;
    const { name } = plan.method;
    const { errorId, isOwn } = this.#answerer.failures.log(this.#method, this.#call.topic, thrown);
    const where = isOwn
      ? `the log of the service has it under ${errorId}`
      : `it is one of too many for the log of the service, which has one of the same second under ${errorId}`;
    return new BusError(`${name} of ${place.service} failed; ${where}`, {
      reason: 'TERABUS_HANDLER_FAILED',
      details: { errorId },
    });
  }

  #reply(reply: string): void {
    this.#answerer.respond(this.#call, reply);
  }

  #contextNow(): Context {
    if (this.#context === undefined) {
      const { place } = this.#method;
      const arrival: Arrival = {
        kind: 'rpc',
        topic: this.#call.topic,
        arrivedAt: this.arrivedAt,
        headers: this.#call.headers,
        method: this.#call.head.method,
        callId: this.#call.head.id,
      };
      this.#context = new Context(place, arrival, place.clock.elapsed() + Math.max(0, this.#allowedMs));
    }
    return this.#context;
  }

  #settle(outcome: Outcome, durationMs: number): BusError | undefined {
    const { parts } = this.#answerer;
    const settled = {
      context: this.#contextNow(),
      type: this.#call.head.method,
      message: this.#args,
      timeoutMs: Math.max(0, Math.round(this.#allowedMs)),
    };
    return settle(outcome, settled, durationMs, parts);
  }
}
