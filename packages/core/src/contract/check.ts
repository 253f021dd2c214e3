import type { Reason } from '@terabus/messages';
import { BusError } from '@terabus/messages';
import type { z } from 'zod';

/**
 * Checks what a person wrote against a schema and fills in the defaults.
 *
 * @param subject what is being checked, as the sentence should name it: `defineModule('X')`.
 * @throws BusError of the given reason, with one sentence that names each option, what it was and what it should be.
 */
export function check<S extends z.ZodType>(schema: S, value: unknown, subject: string, reason: Reason): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new BusError(`${subject}: ${sentenceOf(result.error, value)}`, { reason });
}

/** The complaints of zod as one sentence: `option 'concurrency' was -1: Too small: expected number to be >=1`. */
function sentenceOf(error: z.ZodError, value: unknown): string {
  return error.issues
    .map((issue) => {
      if (issue.code === 'unrecognized_keys') {
        const at = issue.path.length === 0 ? '' : ` in '${issue.path.join('.')}'`;
        return `unknown option${issue.keys.length > 1 ? 's' : ''} ${issue.keys.map((key) => `'${key}'`).join(', ')}${at}`;
      }
      if (issue.path.length === 0) return issue.message;
      return `option '${issue.path.join('.')}' was ${show(at(value, issue.path))}: ${issue.message}`;
    })
    .join('; ');
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object') return undefined;
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return current;
}

/** A value for people to read, in at most 80 characters. */
export function show(value: unknown): string {
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol' || value === undefined) return String(value);
  let text: string;
  try {
    text = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? typeof value;
  } catch {
    text = Object.prototype.toString.call(value);
  }
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
