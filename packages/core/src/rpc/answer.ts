import { BusError, decodeRpcRequest, RPCMessage } from '@terabus/messages';
import type { MethodPlan } from '../contract/contract-of.js';
import type { RpcDeliveryOptions } from '../decorators/metadata.js';
import { heldSentence } from '../instances/gate.js';
import type { Next } from '../middleware/middleware.js';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import type { HandlerPlace } from '../routing/context.js';
import { DeliveryGroup } from '../routing/delivery-group.js';
import type { QueueLimit } from '../routing/limits.js';
import { limitReached } from '../routing/limits.js';
import { printable } from '../topics/printable.js';
import type { Clock } from '../transport/clock.js';
import { headersSizeOf } from '../transport/headers.js';
import { HANDED_OVER, type Headers, type Inbound, type Transport } from '../transport/transport.js';
import { CallJob } from './call-job.js';
import { FailureLog } from './failure-log.js';
import type { ReplyHead } from './reply.js';
import { errorReply } from './reply.js';

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

/** Answers the calls of a contract: from a request's bytes to OpenTera's JSON reply. */
export class Answerer {
  readonly queue: DeliveryGroup;
  readonly failures: FailureLog;
  readonly parts: AnswererParts;
  /** Answers that are on their way to the transport. */
  readonly #sending = new Set<Promise<void>>();
  #sendingBytes = 0;
  /** Made once: under a flood each would be one too many. */
  readonly #refusals: Readonly<Record<QueueLimit, BusError>>;
  /** The same of what could not be held. */
  readonly #overflows: Readonly<Record<QueueLimit, BusError>>;

  constructor(parts: AnswererParts) {
    this.parts = parts;
    this.failures = new FailureLog(parts);
    const { clock, options } = parts;
    this.queue = new DeliveryGroup({
      clock,
      concurrency: options.concurrency,
      keyed: false,
      abandonAfterMs: options.abandonAfterMs,
      limits: options,
    });
    const refusal = (waiting: string) =>
      new BusError(`${parts.service} has no room for one more call: ${waiting}; it was not executed`, {
        reason: 'TERABUS_OVERLOADED',
      });
    const both = (of: (why: QueueLimit) => BusError) => ({
      maxQueued: of('maxQueued'),
      maxQueuedBytes: of('maxQueuedBytes'),
    });
    this.#refusals = both((why) => refusal(`${limitReached(why, options, 'calls')} wait`));
    this.#overflows = both((why) => refusal(heldSentence(why)));
  }

  /** Takes what the transport delivers. Never throws. */
  readonly deliver = (inbound: Inbound, heldSince?: number): void => this.#take(inbound, heldSince);

  /** Answers what there was no room to hold: while another instance finishes, none is given to a handler. */
  readonly overflow = (inbound: Inbound, why: QueueLimit): void => this.#take(inbound, undefined, why);

  #take(inbound: Inbound, heldSince: number | undefined, overflow?: QueueLimit): void {
    const unsent = this.#unsent();
    if (unsent !== undefined) {
      this.#drop(inbound.topic, unsent);
      return;
    }
    let request: RPCMessage;
    try {
      request = decodeRpcRequest(inbound.view ?? inbound.bytes);
    } catch (error) {
      this.#badRequest(inbound, BusError.from(error));
      return;
    }
    const call = receivedCall(inbound, request);
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
      this.respond(call, errorReply(call.head, error));
      return;
    }
    // What was held has been taken in already.
    const full = overflow ?? (heldSince === undefined ? this.queue.admit() : undefined);
    if (full !== undefined) {
      this.#refuse(call, full, overflow === undefined ? this.#refusals[full] : this.#overflows[full]);
      return;
    }
    const { service, watch } = this.parts;
    watch?.({
      kind: 'accepted',
      again: false,
      service,
      topic: inbound.topic,
      handler: method.place.handler,
      type: request.method,
    });
    this.queue.enqueue(new CallJob(this, method, call, heldSince ?? this.parts.clock.elapsed()));
  }

  /** Resolves when all answers were handed to the transport. */
  async sent(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  respond(call: ReceivedCall, reply: string): void {
    const bytes = Buffer.from(reply);
    let sending: Promise<void>;
    try {
      sending = this.#send(call, bytes);
    } catch (error) {
      sending = Promise.reject(error);
    }
    if (sending !== HANDED_OVER) this.#whenSent(sending, bytes, call);
  }

  /** Keeps it for {@link sent}, which never rejects. */
  #whenSent(sending: Promise<void>, { length }: Uint8Array, call: ReceivedCall): void {
    const sent = sending.catch((error: unknown) => this.#notSent(error, call)).catch(() => undefined);
    this.#sending.add(sent);
    this.#sendingBytes += length;
    void sent.then(() => {
      this.#sending.delete(sent);
      this.#sendingBytes -= length;
    });
  }

  async #notSent(error: unknown, call: ReceivedCall): Promise<void> {
    const { head, topic } = call;
    const { service, reporter, methods } = this.parts;
    const { reason, rawMessage } = BusError.from(error);
    const failure = new BusError(`${service} could not send its answer to ${printable(head.method)}: ${rawMessage}`, {
      reason: 'TERABUS_RPC_RESULT',
      cause: error,
    });
    reporter.report(service, failure, { topic });
    // Its caller must not wait in vain for what is too large to be sent.
    if (reason !== 'TERABUS_PAYLOAD_TOO_LARGE') return;
    // The name of no method can be what is too large.
    const short = methods.has(head.method) ? head : { ...head, method: '' };
    await this.#send(call, Buffer.from(errorReply(short, failure)));
  }

  #send({ replyTo, redisReplyTo }: ReceivedCall, bytes: Uint8Array): Promise<void> {
    const { transport, answerRedisClients } = this.parts;
    if (replyTo !== undefined) return transport.respond(replyTo, bytes);
    if (!answerRedisClients || !REDIS_CLIENT.test(redisReplyTo)) return HANDED_OVER;
    return transport.publish({ topic: redisReplyTo, bytes });
  }

  /** The limit that is reached by answers which the transport doesn't get rid of. */
  #unsent(): QueueLimit | undefined {
    const { maxQueued, maxQueuedBytes } = this.parts.options;
    if (this.#sending.size >= maxQueued) return 'maxQueued';
    return this.#sendingBytes >= maxQueuedBytes ? 'maxQueuedBytes' : undefined;
  }

  /** One more answer would wait without end: not even that there is no room is said. */
  #drop(topic: string, why: QueueLimit): void {
    const { service, reporter, emit, options } = this.parts;
    emit({ kind: 'dropped', service, topic, why });
    const overloaded = () =>
      new BusError(`${service} drops calls: answers of ${limitReached(why, options, 'calls')} wait to be sent`, {
        reason: 'TERABUS_OVERLOADED',
      });
    reporter.reportFlood(`${service} dropping calls`, 'TERABUS_OVERLOADED', overloaded, { topic, why });
  }

  #refuse(call: ReceivedCall, why: QueueLimit, error: BusError): void {
    const { service, reporter, emit } = this.parts;
    const { topic, head } = call;
    emit({ kind: 'refused', service, topic, method: head.method, why });
    reporter.report(service, error, { topic, why });
    this.respond(call, errorReply(head, error));
  }

  #badRequest(inbound: Inbound, cause: BusError): void {
    const { service, reporter, emit } = this.parts;
    const error = new BusError(`the request to '${inbound.topic}' is no RPCMessage: ${cause.rawMessage}`, {
      reason: 'TERABUS_RPC_REQUEST',
      cause,
    });
    reporter.report(service, error, { topic: inbound.topic });
    emit({ kind: 'bad-message', service, topic: inbound.topic, error });
    const call = receivedCall(inbound, NO_REQUEST);
    this.respond(call, errorReply(call.head, error));
  }
}

/** What could not be read. */
const NO_REQUEST = RPCMessage.create();

/** A call as it came, without the bytes that it came in. */
export interface ReceivedCall {
  readonly topic: string;
  readonly headers: Headers;
  /** What it came in, with its headers, in bytes on the wire. */
  readonly size: number;
  /** Where its answer goes, by the transport. */
  readonly replyTo: string | undefined;
  /** Where a client of OpenTera's own waits for it. */
  readonly redisReplyTo: string;
  readonly head: ReplyHead;
  readonly args: RPCMessage['args'];
}

function receivedCall(inbound: Inbound, { method, id, replyTo, args }: RPCMessage): ReceivedCall {
  const { topic, headers } = inbound;
  const size = (inbound.view ?? inbound.bytes).length + headersSizeOf(inbound);
  const head = { method, id, pattern: topic };
  return { topic, headers, size, replyTo: inbound.replyTo, redisReplyTo: replyTo, head, args };
}
