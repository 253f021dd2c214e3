import { BusError, encodeRpcRequest } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Contract, RpcMethod } from '../contract/contract.js';
import type { CallOptions, Client } from '../contract/rpc-types.js';
import type { BusEvent } from '../observe/observer.js';
import type { Chain } from '../publishing/chain.js';
import type { Declared } from '../publishing/declared.js';
import { HEADER, outgoingHeaders } from '../publishing/headers.js';
import type { Interceptor, Outgoing } from '../publishing/interceptor.js';
import { intercept } from '../publishing/interceptor.js';
import { printable } from '../topics/printable.js';
import type { Clock } from '../transport/clock.js';
import { Deadlines } from '../transport/deadlines.js';
import type { Transport } from '../transport/transport.js';
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
  readonly #deadlines: Deadlines;
  #lastId = 0;

  constructor(parts: CallerParts) {
    this.#parts = parts;
    this.#budget = new RetryBudget(parts.callRetries);
    this.#deadlines = new Deadlines(parts.clock);
  }

  /** The methods of a contract as functions whose calls belong to a chain. What is wrong is a rejection of the call. */
  client<C extends Contract>(contract: C, chain: Chain): Client<C> {
    const { declared } = this.#parts;
    const methods: Record<string, (...args: unknown[]) => Promise<unknown>> = Object.create(null);
    for (const method of Object.values(contract.rpc)) {
      methods[method.name] = (...given) => {
        try {
          declared.checkMethod(contract, method.name);
          return this.#call(method, given, chain);
        } catch (error) {
          return Promise.reject(error);
        }
      };
    }
    return Object.freeze(methods) as Client<C>;
  }

  #call(method: RpcMethod, given: readonly unknown[], chain: Chain): Promise<unknown> {
    const { clock, service, newId, emit } = this.#parts;
    const begin = clock.elapsed();
    const args = given.slice(0, method.args.length);
    const options = callOptions(method, given);
    const deadline = Math.min(begin + (options.timeoutMs ?? method.timeoutMs), chain.deadline);
    const limits: CallLimits = { deadline, chain, signal: options.signal, attempts: 0 };
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
    let calling: Promise<unknown>;
    try {
      const headers = outgoingHeaders(newId(), chain, options.headers);
      calling = this.#send({ kind: 'call', service, method, args, headers }, limits);
    } catch (error) {
      calling = Promise.reject(error);
    }
    return calling.then(
      (result) => {
        ended(result, undefined);
        return result;
      },
      (error) => {
        const known = BusError.from(error);
        ended(undefined, known);
        throw known;
      },
    );
  }

  #send(call: Call, limits: CallLimits): Promise<unknown> {
    const { interceptors } = this.#parts;
    if (interceptors.length === 0) return this.#tryCall(call, limits);
    return intercept(interceptors, async (outgoing) => this.#tryCall(outgoing as Call, limits))(call);
  }

  #tryCall(call: Call, limits: CallLimits): Promise<unknown> {
    return call.method.idempotent ? this.#tryUntilDone(call, limits) : this.#exchange(call, limits);
  }

  async #tryUntilDone(call: Call, limits: CallLimits): Promise<unknown> {
    let linkWasLost = false;
    for (let waits = 0; ; ) {
      try {
        return await this.#exchange(call, limits);
      } catch (error) {
        if (!BusError.is(error)) throw error;
        linkWasLost ||= error.reason === 'TERABUS_DISCONNECTED';
        if (!canBeTriedAgain(error, linkWasLost) || !this.#budget.spend()) throw error;
        waits = await this.#pause(call.method, limits, waits, error);
      }
    }
  }

  /** Waits once, and on while the link is down: a request would come back at once, having told nobody anything. */
  async #pause(method: RpcMethod, limits: CallLimits, waits: number, error: BusError): Promise<number> {
    const { clock, transport } = this.#parts;
    for (let wait = waits; ; wait += 1) {
      const waitMs = this.#budget.waitMs(wait);
      if (limits.deadline - clock.elapsed() <= waitMs) throw error;
      throwIfAborted(method, limits);
      await new Promise<void>((resolve, reject) => {
        const timer = clock.setTimer(waitMs, () => {
          forget?.();
          resolve();
        });
        const forget = onAbort(limits, (reason) => {
          timer.cancel();
          reject(cancelled(method, reason));
        });
      });
      if (transport.health().state !== 'down') return wait + 1;
    }
  }

  #exchange({ method, args, headers }: Call, limits: CallLimits): Promise<unknown> {
    const { clock, transport } = this.#parts;
    const values = encodeArguments(method, args);
    const now = clock.elapsed();
    const remainingMs = limits.deadline - now;
    if (remainingMs <= 0) throw timedOut(method, 'there was no time left to make it');
    throwIfAborted(method, limits);
    this.#lastId = this.#lastId === Number.MAX_SAFE_INTEGER ? 1 : this.#lastId + 1;
    const id = this.#lastId;
    headers.set(HEADER.timeoutMs, formatTimeout(remainingMs));
    const { topic, name } = method;
    const timestamp = clock.now() / 1_000;
    const bytes = encodeRpcRequest({ method: name, replyTo: '', id: BigInt(id), timestamp, args: values });
    limits.attempts += 1;
    return new Promise((resolve, reject) => {
      const stopWaiting = transport.request({ topic, bytes, headers }, (answer) => {
        timer.cancel();
        forget?.();
        if (BusError.is(answer)) {
          reject(nameCall(answer, method));
          return;
        }
        try {
          resolve(decodeResult(method, readReply(answer.view ?? answer.bytes, method.address, name, id)));
        } catch (error) {
          reject(error);
        }
      });
      const timer = this.#deadlines.set(remainingMs, now, () => {
        forget?.();
        stopWaiting();
        reject(timedOut(method, `no answer within ${Math.round(remainingMs)} ms`));
      });
      const forget = onAbort(limits, (reason) => {
        timer.cancel();
        stopWaiting();
        reject(cancelled(method, reason));
      });
    });
  }
}

/** What bounds a call, over all of its tries. */
interface CallLimits {
  /** On `clock.elapsed()`. */
  readonly deadline: number;
  readonly chain: Chain;
  readonly signal: AbortSignal | undefined;
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

const cancelled = (method: RpcMethod, reason: unknown) =>
  new BusError(`the call of ${method.name} of ${method.address} was cancelled`, {
    reason: 'TERABUS_RPC_CANCELLED',
    cause: reason,
  });

function throwIfAborted(method: RpcMethod, { chain, signal }: CallLimits): void {
  if (chain.aborted !== undefined) throw cancelled(method, chain.aborted);
  if (signal?.aborted) throw cancelled(method, signal.reason);
}

/** Calls back when somebody does not want the answer any more, once, until the function is called that it returns. */
function onAbort({ chain, signal }: CallLimits, callback: (reason: unknown) => void): (() => void) | undefined {
  if (signal === undefined) return chain.onAbort?.(callback);
  const aborted = (reason: unknown) => {
    forget();
    callback(reason);
  };
  const onSignal = () => aborted(signal.reason);
  const leaveChain = chain.onAbort?.(aborted);
  const forget = () => {
    signal.removeEventListener('abort', onSignal);
    leaveChain?.();
  };
  signal.addEventListener('abort', onSignal, { once: true });
  return forget;
}

const nameCall = (error: BusError, method: RpcMethod) =>
  error.reason === 'TERABUS_NO_RESPONDERS'
    ? new BusError(`nobody serves ${method.topic} at the moment, so ${method.name} was not called`, {
        reason: 'TERABUS_NO_RESPONDERS',
        cause: error,
      })
    : error;
