import type { Middleware } from '../middleware/middleware.js';
import { recordMiddleware, WHOLE_CLASS } from './metadata.js';

/**
 * Puts middlewares around a handler, or around all handlers of a class. The first is the outermost; those of the host
 * are around those of the class, which are around those of the method.
 */
export function Use(...middlewares: readonly Middleware[]) {
  return (target: object, member?: string): void => {
    for (const middleware of [...middlewares].reverse())
      recordMiddleware(member === undefined ? target : target.constructor, member ?? WHOLE_CLASS, middleware);
  };
}
