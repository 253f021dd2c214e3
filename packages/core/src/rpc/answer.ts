import type { RPCMessage } from '@terabus/messages';
import { BusError, decodeRpcRequest } from '@terabus/messages';
import type { MethodPlan } from '../contract/contract-of.js';
import type { RpcDeliveryOptions } from '../decorators/metadata.js';
import type { Next } from '../middleware/middleware.js';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import { handlerError } from '../observe/reporter.js';
import { HEADER } from '../publishing/headers.js';
import type { AnyContext, Arrival, HandlerPlace } from '../routing/context.js';
import { Context } from '../routing/context.js';
import { DeliveryGroup } from '../routing/delivery-group.js';
import type { Job } from '../routing/job.js';
import type { Outcome } from '../routing/settle.js';
import { settle } from '../routing/settle.js';
import { printable } from '../topics/printable.js';
import type { Clock } from '../transport/clock.js';
import type { Inbound, Transport } from '../transport/transport.js';
import { parseTimeout } from './deadline.js';
import type { ReplyHead } from './reply.js';
import { errorReply, okReply } from './reply.js';
import { decodeArguments, encodeResult } from './values.js';

/** A method of a contract as it runs per call. */
export interface PreparedMethod {
  readonly plan: MethodPlan;
  readonly place: HandlerPlace;
  /** The middlewares around the method; takes the array of arguments. */
  readonly run: Next;
}

/** What the callee's side is made of. */
export interface AnswererParts {
  readonly service: string;
  readonly options: Required<RpcDeliveryOptions>;
  /** By name, in a `Map`: `constructor` and `__proto__` are unknown methods. */
  readonly methods: ReadonlyMap<string, PreparedMethod>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly emit: (event: BusEvent) => void;
  /** The same for what nobody counts. Undefined where nobody watches. */
  readonly watch: ((event: BusEvent) => void) | undefined;
  readonly newId: () => string;
  /** Whether a request without a reply subject is answered at its `reply_to`, if that is a Redis client's. */
  readonly answerRedisClients: boolean;
}

/** Where OpenTera's Python clients wait for their answers. */
const REDIS_CLIENT = /^RedisRPCClient\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const utf8 = new TextEncoder();

/** Answers the calls of a contract: from a request's bytes to OpenTera's JSON reply. */
export class Answerer {
  readonly queue: DeliveryGroup;
  readonly parts: AnswererParts;
  /** Answers that are on their way to the transport. */
  readonly #sending = new Set<Promise<void>>();

  constructor(parts: AnswererParts) {
    this.parts = parts;
    const { clock, options } = parts;
    this.queue = new DeliveryGroup({
      clock,
      concurrency: options.concurrency,
      keyed: false,
      abandonAfterMs: options.abandonAfterMs,
    });
  }

  /** Takes what the transport delivers. Never throws. */
  readonly deliver = (inbound: Inbound): void => {
    let request: RPCMessage;
    try {
      request = decodeRpcRequest(inbound.bytes);
    } catch (error) {
      this.#badRequest(inbound, BusError.from(error));
      return;
    }
    const call: ReplyHead = { method: request.method, id: request.id, pattern: inbound.topic };
    const method = this.parts.methods.get(request.method);
    if (method === undefined) {
      const known = [...this.parts.methods.keys()].join(', ') || 'none';
      const error = new BusError(
        `${this.parts.service} has no method ${printable(request.method)}; its methods: ${known}`,
        {
          reason: 'TERABUS_RPC_METHOD_UNKNOWN',
        },
      );
      this.parts.reporter.report(this.parts.service, error, { topic: inbound.topic });
      this.respond(inbound, request.replyTo, call, errorReply(call, error));
      return;
    }
    const { service, watch } = this.parts;
    watch?.({
      kind: 'accepted',
      service,
      topic: inbound.topic,
      handler: method.place.handler,
      type: request.method,
    });
    this.queue.enqueue(new CallJob(this, method, inbound, request, call));
  };

  /** Resolves when all answers were handed to the transport. */
  async sent(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  respond(inbound: Inbound, replyTo: string, call: ReplyHead, reply: string): void {
    const sending = this.#send(inbound, replyTo, reply)
      .catch(async (error: unknown) => {
        const { service, reporter, methods } = this.parts;
        const { reason, rawMessage } = BusError.from(error);
        const failure = new BusError(
          `${service} could not send its answer to ${printable(call.method)}: ${rawMessage}`,
          {
            reason: 'TERABUS_RPC_RESULT',
            cause: error,
          },
        );
        reporter.report(service, failure, { topic: inbound.topic });
        // Its caller must not wait in vain for what is too large to be sent.
        if (reason !== 'TERABUS_PAYLOAD_TOO_LARGE') return;
        // The name of no method can be what is too large.
        const head = methods.has(call.method) ? call : { ...call, method: '' };
        await this.#send(inbound, replyTo, errorReply(head, failure));
      })
      .catch(() => undefined);
    this.#sending.add(sending);
    void sending.then(() => this.#sending.delete(sending));
  }

  async #send(inbound: Inbound, replyTo: string, reply: string): Promise<void> {
    const { transport, answerRedisClients } = this.parts;
    const bytes = utf8.encode(reply);
    if (inbound.replyTo !== undefined) await transport.respond(inbound.replyTo, bytes);
    else if (answerRedisClients && REDIS_CLIENT.test(replyTo)) await transport.publish({ topic: replyTo, bytes });
  }

  #badRequest(inbound: Inbound, cause: BusError): void {
    const { service, reporter, emit } = this.parts;
    const error = new BusError(`the request to '${inbound.topic}' is no RPCMessage: ${cause.rawMessage}`, {
      reason: 'TERABUS_RPC_REQUEST',
      cause,
    });
    reporter.report(service, error, { topic: inbound.topic });
    emit({ kind: 'bad-message', service, topic: inbound.topic, error });
    const call: ReplyHead = { method: '', id: 0n, pattern: inbound.topic };
    this.respond(inbound, '', call, errorReply(call, error));
  }
}

/** One call. */
class CallJob implements Job {
  readonly key = undefined;
  readonly #answerer: Answerer;
  readonly #method: PreparedMethod;
  readonly #inbound: Inbound;
  readonly #request: RPCMessage;
  readonly #call: ReplyHead;
  /** When the caller's patience ends, on `clock.elapsed()`: counted from receipt, so clocks need not agree. */
  readonly #callerDeadline: number;
  /** How long it may run, as of its start. */
  #allowedMs = 0;
  #args: unknown[] = [];
  #context: Context | undefined;

  constructor(answerer: Answerer, method: PreparedMethod, inbound: Inbound, request: RPCMessage, call: ReplyHead) {
    this.#answerer = answerer;
    this.#method = method;
    this.#inbound = inbound;
    this.#request = request;
    this.#call = call;
    const callerAllowsMs = parseTimeout(inbound.headers.get(HEADER.timeoutMs)) ?? Number.POSITIVE_INFINITY;
    this.#callerDeadline = answerer.parts.clock.elapsed() + callerAllowsMs;
  }

  timeLeftMs(): number {
    const { clock, options } = this.#answerer.parts;
    this.#allowedMs = Math.min(options.timeoutMs, this.#callerDeadline - clock.elapsed());
    return this.#allowedMs;
  }

  run(): unknown {
    this.#args = decodeArguments(this.#method.plan.method, this.#request.args);
    const { service, watch } = this.#answerer.parts;
    const context = this.#contextNow() as unknown as AnyContext;
    watch?.({
      kind: 'started',
      service,
      topic: this.#inbound.topic,
      handler: this.#method.place.handler,
      type: this.#call.method,
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
    this.#settle({ kind: 'succeeded' }, durationMs);
    this.#reply(okReply(this.#call, json));
  }

  failed(thrown: unknown, durationMs: number): void {
    this.#settle({ kind: 'failed', thrown }, durationMs);
    this.#reply(errorReply(this.#call, this.#errorForCaller(thrown)));
  }

  timedOut(durationMs: number): void {
    const error = this.#settle({ kind: 'timed-out' }, durationMs);
    if (error === undefined) return;
    this.#contextNow().abort(error);
    this.#reply(errorReply(this.#call, error));
  }

  abandoned(): void {
    this.#settle({ kind: 'abandoned' }, 0);
  }

  cutOff(running: boolean): void {
    const error = this.#settle({ kind: 'cut-off', running }, 0);
    if (error === undefined) return;
    this.#contextNow().abort(error);
    this.#reply(errorReply(this.#call, error));
  }

  /** A `BusError` travels; of anything else the caller gets no more than an id to find in the log. */
  #errorForCaller(thrown: unknown): BusError {
    if (BusError.is(thrown)) return BusError.from(thrown);
    const { newId } = this.#answerer.parts;
    const { place, plan } = this.#method;
    const errorId = newId();
    const known = handlerError(
      { service: place.service, handler: place.handler, topic: this.#inbound.topic, type: plan.method.name },
      thrown,
    );
    place.logger.error({ err: known, errorId, method: plan.method.name }, `the caller was told to look for ${errorId}`);
    return new BusError(
      `${plan.method.name} of ${place.service} failed; the log of the service has it under ${errorId}`,
      {
        reason: 'TERABUS_HANDLER_FAILED',
        details: { errorId },
      },
    );
  }

  #reply(reply: string): void {
    this.#answerer.respond(this.#inbound, this.#request.replyTo, this.#call, reply);
  }

  #contextNow(): Context {
    if (this.#context === undefined) {
      const { place } = this.#method;
      const arrival: Arrival = {
        kind: 'rpc',
        topic: this.#inbound.topic,
        headers: this.#inbound.headers,
        method: this.#call.method,
        callId: this.#call.id,
      };
      this.#context = new Context(place, arrival, place.clock.elapsed() + Math.max(0, this.#allowedMs));
    }
    return this.#context;
  }

  #settle(outcome: Outcome, durationMs: number): BusError | undefined {
    const { parts } = this.#answerer;
    const settled = {
      context: this.#contextNow(),
      type: this.#call.method,
      message: this.#args,
      durationMs,
      timeoutMs: Math.max(0, Math.round(this.#allowedMs)),
    };
    return settle(outcome, settled, parts);
  }
}
