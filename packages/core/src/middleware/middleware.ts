import type { AnyContext } from '../routing/context.js';

/**
 * What a middleware wraps: the next middleware, or the handler. For a call, `message` is the array of its arguments.
 * It may be synchronous, and stays so where everything inside is.
 */
export type Next = (message: unknown, context: AnyContext) => unknown;

/**
 * Runs around handlers, as the layers of an onion: it is called once per handler, when the host starts, and returns
 * what runs per message.
 *
 * ```ts
 * const timed: Middleware = (next) => async (message, context) => {
 *   const begin = performance.now();
 *   try {
 *     return await next(message, context);
 *   } finally {
 *     context.logger.info({ ms: performance.now() - begin }, context.handler);
 *   }
 * };
 * ```
 *
 * What it throws counts as thrown by the handler; what it returns is the result of the call.
 */
export type Middleware = (next: Next) => Next;

/** One function out of a list of middlewares and what they wrap; the first is the outermost. */
export const compose = (middlewares: readonly Middleware[], innermost: Next): Next =>
  middlewares.reduceRight((next, middleware) => middleware(next), innermost);
