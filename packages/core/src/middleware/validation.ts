import { BusError, type Message, type MessageType } from '@terabus/messages';
import type { z } from 'zod';
import type { Middleware } from './middleware.js';

/**
 * Checks messages before their handler sees them: protobuf knows that a field is text, a schema knows that it is a
 * UUID. A message that doesn't fit fails with `TERABUS_MESSAGE_REJECTED`; types without a schema pass.
 *
 * ```ts
 * const valid = validation([UserEvent, z.object({ userUuid: uuid })]);
 * ```
 *
 * @param rules pairs of a type and a schema. Schemas only check: what they would change is left as it came.
 */
export function validation(...rules: readonly (readonly [MessageType, z.ZodType])[]): Middleware {
  const schemas = new Map(rules.map(([type, schema]) => [type.$type, schema]));
  return (next) => (message, context) => {
    const schema = schemas.get((message as Message | undefined)?.$type ?? '');
    const result = schema?.safeParse(message);
    if (result?.success === false) {
      const why = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
      throw new BusError(`${(message as Message).$type} is not valid: ${why}`, { reason: 'TERABUS_MESSAGE_REJECTED' });
    }
    return next(message, context);
  };
}
