import { BusError } from '@terabus/messages';
import { z } from 'zod';
import type { ParameterKind } from '../rpc/values.js';
import { classify } from '../rpc/values.js';
import { check } from './check.js';
import type { Contract, RpcMethod } from './contract.js';

/** A method before a contract gives it its name: made by `rpc`. */
export interface RpcSignature<
  Args extends readonly z.ZodType[] = readonly z.ZodType[],
  Returns extends z.ZodType = z.ZodType,
> {
  readonly kind: 'signature';
  readonly args: Args;
  readonly returns: Returns;
  readonly timeoutMs: number;
  readonly idempotent: boolean;
}

/** What `rpc` is told. */
export interface RpcOptions<Args extends readonly z.ZodType[], Returns extends z.ZodType> {
  /**
   * One schema per positional argument. Numbers, bigints, booleans, strings and `bytes` travel as RPC values,
   * structures in `json(schema)`; only the last ones may be optional.
   */
  readonly args: Args;
  /** What comes back, as JSON. `z.void()` for nothing; a codec for what JSON can't say, such as dates. */
  readonly returns: Returns;
  /** The caller's deadline where a call names none, in milliseconds. Defaults to 10,000, as OpenTera's client has it. */
  readonly timeoutMs?: number;
  /**
   * Says that calling twice does no more than calling once, so that a call is made again where the link was lost or
   * the callee was on its way out (`callRetries` of the host). Defaults to false: the careful answer.
   */
  readonly idempotent?: boolean;
}

const isSchema = (value: unknown): boolean => typeof value === 'object' && value !== null && '_zod' in value;
const rpcOptions = z.strictObject({
  args: z.array(z.custom<z.ZodType>(isSchema, 'a zod schema')),
  returns: z.custom<z.ZodType>(isSchema, 'a zod schema'),
  timeoutMs: z.int().min(1).default(10_000),
  idempotent: z.boolean().default(false),
});

/**
 * The signature of an RPC method, for `defineModule` and `defineService`.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID`, with a sentence.
 */
export function rpc<const Args extends readonly z.ZodType[], const Returns extends z.ZodType>(
  options: RpcOptions<Args, Returns>,
): RpcSignature<Args, Returns> {
  const valid = check(rpcOptions, options, 'rpc(…)', 'TERABUS_CONTRACT_INVALID');
  return Object.freeze({ kind: 'signature', ...valid }) as unknown as RpcSignature<Args, Returns>;
}

/** Gives a signature its place in a contract, and decides once how each argument travels. */
export function bindMethod(address: string, name: string, signature: RpcSignature): RpcMethod {
  const where = `${address}.rpc '${name}'`;
  if (name === 'then' || name === '') {
    const why = name === '' ? 'has no name' : "is called 'then': a client with it would be taken for a promise";
    throw new BusError(`${where}: the method ${why}`, { reason: 'TERABUS_CONTRACT_INVALID' });
  }
  const parameters = signature.args.map((schema, index) => classify(schema, `${where}, argument ${index + 1}`));
  parameters.forEach((parameter, index) => {
    const next = parameters[index + 1];
    if (parameter.optional && next !== undefined && !next.optional) {
      throw new BusError(`${where}, argument ${index + 1}: only the last arguments may be optional`, {
        reason: 'TERABUS_CONTRACT_INVALID',
      });
    }
  });
  return Object.freeze({
    kind: 'rpc',
    name,
    address,
    topic: `${address}.rpc`,
    args: signature.args,
    returns: signature.returns,
    parameters: Object.freeze(parameters) as readonly ParameterKind[],
    timeoutMs: signature.timeoutMs,
    idempotent: signature.idempotent,
    digest: JSON.stringify([name, parameters, signature.timeoutMs, signature.idempotent, describe(signature.returns)]),
  });
}

function describe(schema: z.ZodType): unknown {
  try {
    return z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
  } catch {
    // A schema that can't be described (a custom cycle, say) is still a schema: only the digest knows less of it.
    return schema._zod.def.type;
  }
}

type Optional<S extends z.ZodType> = undefined extends z.input<S> ? true : false;

/** The arguments of a call, in order; those whose schema takes `undefined` may be left away. */
export type CallArguments<Args extends readonly z.ZodType[]> = Args extends readonly [
  infer First extends z.ZodType,
  ...infer Rest extends readonly z.ZodType[],
]
  ? Optional<First> extends true
    ? [argument?: z.output<First> | undefined, ...rest: CallArguments<Rest>]
    : [argument: z.output<First>, ...rest: CallArguments<Rest>]
  : [];

/** The arguments as the handler gets them, checked and with their defaults. */
export type HandlerArguments<Args extends readonly z.ZodType[]> = {
  -readonly [I in keyof Args]: z.output<Args[I]>;
};

/** Options of one call. */
export interface CallOptions {
  /** How long to wait for the answer, in milliseconds. Defaults to the method's own `timeoutMs`. */
  readonly timeoutMs?: number;
  /** Ends the wait when it aborts; the call rejects with `CANCELLED`. */
  readonly signal?: AbortSignal;
  /** More headers. Names may not start with `Nats-` or `Terabus-`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The methods of a contract as functions: positional arguments, then {@link CallOptions}. Each call resolves with
 * the checked result or rejects with a `BusError`.
 */
export type Client<C extends Contract> = {
  readonly [M in keyof C['rpc']]: C['rpc'][M] extends RpcMethod<string, string, infer Args, infer Returns>
    ? (...args: [...CallArguments<Args>, options?: CallOptions]) => Promise<z.output<Returns>>
    : never;
};
