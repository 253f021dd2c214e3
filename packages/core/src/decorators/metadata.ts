import 'reflect-metadata';
import type { Message, MessageType } from '@terabus/messages';
import type { Contract, RpcMethod, Source, Usable } from '../contract/contract.js';
import type { Middleware } from '../middleware/middleware.js';

/** What a decorator said of a method. */
export type HandlerRecord =
  | {
      readonly kind: 'messages';
      readonly source: Source;
      readonly types: readonly MessageType<Message>[];
      /** The name of the family that was given, for sentences. */
      readonly family: string | undefined;
    }
  | { readonly kind: 'payload'; readonly source: Source }
  | { readonly kind: 'rpc'; readonly method: RpcMethod };

/** What `@Service` was told. */
export interface ServiceRecord {
  readonly contract: Contract;
  readonly options: ServiceOptions;
}

/** Options of `@Service`. */
export interface ServiceOptions {
  /**
   * What the methods of the class publish to, send to, call or subscribe to, beside what is the contract's own.
   * A contract stands for its mailbox and its methods, and lets the
   * service listen to its events; a topic, a family or a single method stands for itself. Using
   * anything else is refused, so that permissions, documentation and the picture of the system are exact.
   */
  readonly uses?: readonly Usable[];
  /** How calls of the contract's methods run. */
  readonly rpc?: RpcDeliveryOptions;
  /** Whether it takes leases (`this.lease`), for which `planStreams` plans a bucket. Defaults to false. */
  readonly leases?: boolean;
}

/** How calls run in a service. */
export interface RpcDeliveryOptions {
  /** How many calls run at once. Defaults to 64. */
  readonly concurrency?: number;
  /** The longest a call may run, in milliseconds, where its caller allows more. Defaults to 30,000. */
  readonly timeoutMs?: number;
  /** For how many milliseconds more a timed-out call keeps its slot. Defaults to 30,000. */
  readonly abandonAfterMs?: number;
  /**
   * How many calls may wait for a slot, and how many answers for the transport. Where as many calls wait, what arrives
   * is answered at once with `TERABUS_OVERLOADED`; where as many answers wait, it is dropped. Defaults to 1,024: with
   * the default concurrency and the 10 s that callers wait by default, calls of up to 600 ms are still in time behind them.
   */
  readonly maxQueued?: number;
  /** The same in bytes, as they are on the wire, with headers. Defaults to 16,777,216 (16 MiB). */
  readonly maxQueuedBytes?: number;
}

const SERVICE = '@terabus/core/service';
const HANDLERS = '@terabus/core/handlers';
const MIDDLEWARES = '@terabus/core/middlewares';

type Class = abstract new (...args: never[]) => unknown;
type ByMember<T> = ReadonlyMap<string, readonly T[]>;

/** The key of middlewares that were put on the class itself. No method can have it. */
export const WHOLE_CLASS = '';

/** Records `@Service` on the class. */
export function recordService(target: Class, record: ServiceRecord): void {
  Reflect.defineMetadata(SERVICE, record, target);
}

/** Records one more handler declaration on a method. */
export function recordHandler(prototype: object, member: string, record: HandlerRecord): void {
  append(HANDLERS, prototype.constructor, member, record);
}

/** Records one more middleware on a method, or on the class with {@link WHOLE_CLASS}. */
export function recordMiddleware(target: object, member: string, middleware: Middleware): void {
  append(MIDDLEWARES, target, member, middleware);
}

// Own metadata, copied on write: reading the inherited list and pushing to it would put a subclass's handlers into
// its base class.
function append<T>(key: string, target: object, member: string, entry: T): void {
  const known = own<T>(key, target);
  // Decorators run from the last to the first: putting each in front keeps the order in which they are written.
  Reflect.defineMetadata(key, new Map([...known, [member, [entry, ...(known.get(member) ?? [])]]]), target);
}

/** What `@Service` recorded on exactly this class: a subclass without `@Service` of its own is no service. */
export const serviceOf = (target: Class): ServiceRecord | undefined => Reflect.getOwnMetadata(SERVICE, target);

/**
 * The handler declarations of a class by method, from base to derived: an override keeps what its base declared
 * unless it has a declaration of its own.
 */
export const handlersOf = (target: Class): ByMember<HandlerRecord> => inherited(HANDLERS, target);

/**
 * The middlewares of a class by method, as {@link handlersOf}. Those on classes are all kept, a base's around its
 * subclass's: who puts a check around a base class wants it around all that is built on it.
 */
export function middlewaresOf(target: Class): ByMember<Middleware> {
  const ofClasses = lineageOf(target).flatMap(
    (ancestor) => own<Middleware>(MIDDLEWARES, ancestor).get(WHOLE_CLASS) ?? [],
  );
  return new Map([...inherited<Middleware>(MIDDLEWARES, target), [WHOLE_CLASS, ofClasses]]);
}

const own = <T>(key: string, target: object): ByMember<T> => Reflect.getOwnMetadata(key, target) ?? new Map();

function inherited<T>(key: string, target: Class): ByMember<T> {
  return new Map(lineageOf(target).flatMap((ancestor) => [...own<T>(key, ancestor)]));
}

/** A class and what it extends, the base first. */
function lineageOf(target: Class): object[] {
  const lineage: object[] = [];
  for (let current: object | null = target; typeof current === 'function'; current = Object.getPrototypeOf(current)) {
    lineage.unshift(current);
  }
  return lineage;
}
