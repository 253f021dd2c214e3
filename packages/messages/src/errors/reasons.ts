import type { Code } from './code.js';

/**
 * Every reason that Terabus itself gives, with the code it implies and one sentence. `docs/errors.md` mirrors this
 * table. To add a reason, add a line; reasons are stable and never change their code.
 */
export const reasons = {
  // messages
  TERABUS_JSON_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'The JSON is not one of this message type.' },
  TERABUS_MESSAGE_INVALID: { code: 'INVALID_ARGUMENT', sentence: 'The message holds what its type cannot carry.' },
  TERABUS_MESSAGE_OUT_OF_PROPORTION: {
    code: 'RESOURCE_EXHAUSTED',
    sentence: 'A few bytes of input would become far too many objects.',
  },
  TERABUS_MESSAGE_UNDECODABLE: { code: 'INVALID_ARGUMENT', sentence: 'The bytes are not a message of this type.' },
  TERABUS_RPC_VALUE: { code: 'INVALID_ARGUMENT', sentence: 'The value does not fit an argument of a call.' },
  TERABUS_TIME_REQUIRED: {
    code: 'INVALID_ARGUMENT',
    sentence: 'An envelope needs its time in epoch seconds: without it OpenTera may take the bytes for text.',
  },
  TERABUS_TYPE_CONFLICT: { code: 'FAILED_PRECONDITION', sentence: 'Two different message types have one name.' },
  TERABUS_TYPE_MISMATCH: { code: 'INVALID_ARGUMENT', sentence: 'The Any holds a message of another type.' },
  TERABUS_TYPE_SHAPE: {
    code: 'FAILED_PRECONDITION',
    sentence: 'The generated code has not the shape that protoc-gen-terabus gives it.',
  },
  TERABUS_TYPE_UNKNOWN: { code: 'NOT_FOUND', sentence: 'The registry has no message type of that name.' },
} as const satisfies Record<string, { readonly code: Code; readonly sentence: string }>;

/** One of the reasons that Terabus itself gives. Users add reasons of their own, which are any text. */
export type Reason = keyof typeof reasons;

/** Whether a text is one of Terabus' own reasons. */
export function isReason(value: unknown): value is Reason {
  return typeof value === 'string' && Object.hasOwn(reasons, value);
}
