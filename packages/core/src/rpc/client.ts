import { BusError, RPCMessage } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Contract, RpcMethod } from '../contract/contract.js';
import type { CallOptions, Client } from '../contract/rpc-types.js';
import type { BusEvent } from '../observe/observer.js';
import type { Chain } from '../publishing/chain.js';
import type { Declared } from '../publishing/declared.js';
import { HEADER, outgoingHeaders } from '../publishing/headers.js';
import type { Interceptor, Outgoing, Send } from '../publishing/interceptor.js';
import { intercept } from '../publishing/interceptor.js';
import { printable } from '../topics/printable.js';
import type { Clock } from '../transport/clock.js';
import type { Transport } from '../transport/transport.js';
import { abortable } from './abortable.js';
import { formatTimeout } from './deadline.js';
import { readReply } from './reply.js';
import type { CallRetries } from './retry.js';
import { canBeTriedAgain, RetryBudget } from './retry.js';
import { decodeResult, encodeArguments } from './values.js';

/** What calls are made with. */
export interface CallerParts {
  readonly service: string;
  readonly declared: Pick<Declared, 'checkTopic' | 'checkMethod'>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly interceptors: readonly Interceptor[];
  readonly callRetries: CallRetries;
  readonly newId: () => string;
  readonly emit: (event: BusEvent) => void;
}

/** Makes the calls of a service: the way of a question out and of its answer back. */
export class Caller {
  readonly #parts: CallerParts;
  readonly #budget: RetryBudget;
  #lastId = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
    this.#budget = new RetryBudget(parts.callRetries);
  }

  /** The methods of a contract as functions whose calls belong to a chain. What is wrong is a rejection of the call. */
  client<C extends Contract>(contract: C, chain: Chain): Client<C> {
    const { declared } = this.#parts;
    const methods: Record<string, (...args: unknown[]) => Promise<unknown>> = Object.create(null);
    for (const method of Object.values(contract.rpc)) {
      methods[method.name] = async (...args) => {
        declared.checkMethod(contract, method.name);
        return this.#call(method, args, chain);
      };
    }
    return Object.freeze(methods) as Client<C>;
  }

  async #call(method: RpcMethod, given: readonly unknown[], chain: Chain): Promise<unknown> {
    const { clock, service, interceptors, newId, emit } = this.#parts;
    const begin = clock.elapsed();
    const args = given.slice(0, method.args.length);
    const options = callOptions(method, given);
    const limits: CallLimits = {
      deadline: Math.min(begin + (options.timeoutMs ?? method.timeoutMs), chain.deadline),
      signals: [chain.signal, options.signal],
      attempts: 0,
    };
    const ended = (result: unknown, error: BusError | undefined) =>
      emit({
        kind: 'called',
        service,
        topic: method.topic,
        method: method.name,
        args,
        result,
        durationMs: clock.elapsed() - begin,
        attempts: limits.attempts,
        error,
      });
    this.#budget.earn();
    try {
      const send: Send = intercept(interceptors, (outgoing) => this.#tryUntilDone(outgoing as Call, limits));
      const headers = outgoingHeaders(newId(), chain, options.headers);
      const result = await send({ kind: 'call', service, method, args, headers });
      ended(result, undefined);
      return result;
    } catch (error) {
      const known = BusError.from(error);
      ended(undefined, known);
      throw known;
    }
  }

  async #tryUntilDone(call: Call, limits: CallLimits): Promise<unknown> {
    let linkWasLost = false;
    for (let waits = 0; ; ) {
      try {
        return await this.#exchange(call, limits);
      } catch (error) {
        if (!call.method.idempotent || !BusError.is(error)) throw error;
        linkWasLost ||= error.reason === 'TERABUS_DISCONNECTED';
        if (!canBeTriedAgain(error, linkWasLost) || !this.#budget.spend()) throw error;
        waits = await this.#pause(call.method, limits, waits, error);
      }
    }
  }

  /** Waits once, and on while the link is down: a request would come back at once, having told nobody anything. */
  async #pause(method: RpcMethod, { deadline, signals }: CallLimits, waits: number, error: BusError): Promise<number> {
    const { clock, transport } = this.#parts;
    for (let wait = waits; ; wait += 1) {
      const waitMs = this.#budget.waitMs(wait);
      if (deadline - clock.elapsed() <= waitMs) throw error;
      await abortable<void>(
        signals,
        (signal) => cancelled(method, signal),
        (resolve) => {
          const timer = clock.setTimer(waitMs, resolve);
          return () => timer.cancel();
        },
      );
      if (transport.health().state !== 'down') return wait + 1;
    }
  }

  async #exchange({ method, args, headers }: Call, limits: CallLimits): Promise<unknown> {
    const { clock } = this.#parts;
    const values = encodeArguments(method, args);
    const remainingMs = limits.deadline - clock.elapsed();
    if (remainingMs <= 0) throw timedOut(method, 'there was no time left to make it');
    this.#lastId = this.#lastId === Number.MAX_SAFE_INTEGER ? 1 : this.#lastId + 1;
    const id = this.#lastId;
    headers.set(HEADER.timeoutMs, formatTimeout(remainingMs));
    const bytes = RPCMessage.encode(
      RPCMessage.create({ method: method.name, id: BigInt(id), timestamp: clock.now() / 1_000, args: values }),
    );
    const answer = await this.#request({ topic: method.topic, bytes, headers }, method, remainingMs, limits);
    return decodeResult(method, readReply(answer, method.address, method.name, id));
  }

  #request(
    message: Parameters<Transport['request']>[0],
    method: RpcMethod,
    remainingMs: number,
    limits: CallLimits,
  ): Promise<Uint8Array> {
    const { clock, transport } = this.#parts;
    return abortable(
      limits.signals,
      (signal) => cancelled(method, signal),
      (resolve, reject) => {
        limits.attempts += 1;
        const stopWaiting = transport.request(message, (answer) => {
          timer.cancel();
          if (BusError.is(answer)) reject(nameCall(answer, method));
          else resolve(answer.bytes);
        });
        const timer = clock.setTimer(remainingMs, () => {
          stopWaiting();
          reject(timedOut(method, `no answer within ${Math.round(remainingMs)} ms`));
        });
        return () => {
          timer.cancel();
          stopWaiting();
        };
      },
    );
  }
}

/** What bounds a call, over all of its tries. */
interface CallLimits {
  /** On `clock.elapsed()`. */
  readonly deadline: number;
  readonly signals: readonly (AbortSignal | undefined)[];
  /** How often it was sent so far. */
  attempts: number;
}

type Call = Extract<Outgoing, { readonly kind: 'call' }>;

function callOptions(method: RpcMethod, given: readonly unknown[]): CallOptions {
  const options = (given[method.args.length] ?? {}) as CallOptions;
  const problem =
    typeof options !== 'object' || given.length > method.args.length + 1
      ? `takes ${method.args.length} arguments and then the options of the call, got ${given.length} values`
      : problemOf(options);
  if (problem === undefined) return options;
  throw new BusError(`${method.name} ${problem}`, { reason: 'TERABUS_RPC_ARGUMENTS' });
}

const CALL_OPTIONS: ReadonlySet<string> = new Set(['timeoutMs', 'signal', 'headers'] satisfies (keyof CallOptions)[]);

function problemOf(options: CallOptions): string | undefined {
  const { timeoutMs, signal } = options;
  const unknown = Object.keys(options).find((name) => !CALL_OPTIONS.has(name));
  if (unknown !== undefined) return `was called with the unknown option ${printable(unknown)}`;
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs > 0)) {
    return `was called with the timeoutMs ${show(timeoutMs)}: it is a number of milliseconds above 0`;
  }
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    return `was called with the signal ${show(signal)}: it is an AbortSignal`;
  }
  return undefined;
}

const timedOut = (method: RpcMethod, why: string) =>
  new BusError(`the call of ${method.name} of ${method.address} ran out of time: ${why}`, {
    reason: 'TERABUS_RPC_TIMEOUT',
  });

const cancelled = (method: RpcMethod, signal: AbortSignal) =>
  new BusError(`the call of ${method.name} of ${method.address} was cancelled`, {
    reason: 'TERABUS_RPC_CANCELLED',
    cause: signal.reason,
  });

const nameCall = (error: BusError, method: RpcMethod) =>
  error.reason === 'TERABUS_NO_RESPONDERS'
    ? new BusError(`nobody serves ${method.topic} at the moment, so ${method.name} was not called`, {
        reason: 'TERABUS_NO_RESPONDERS',
        cause: error,
      })
    : error;
