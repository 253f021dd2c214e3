import type { Delivery, HandlerContext, Pattern, RpcMethod, Topic } from '@terabus/core';
import type { Call, Handling } from './recorder.js';

/** What can be heard of: a topic or a pattern. */
export type Heard<W extends 'event' | 'module-message' | 'text' | 'bytes', P> =
  | Topic<W, P>
  | Pattern<W, P>
  | Delivery<W, P>;

/** The arguments of a handler without its context. */
type WithoutContext<A extends readonly unknown[]> = A extends readonly [...infer Rest, infer Last]
  ? Last extends HandlerContext
    ? Rest
    : A
  : A;

/** What one method of a service got, typed by the method. */
export type HandlingOf<Method> = Method extends (...args: infer A) => unknown
  ? Handling<A[0], WithoutContext<A>>
  : never;

/** A call of one method, typed by its contract. */
export type CallOf<M> =
  M extends RpcMethod<string, string, infer Args, infer Returns>
    ? Call<{ -readonly [I in keyof Args]: Args[I]['_zod']['output'] }, Returns['_zod']['output']>
    : Call;
