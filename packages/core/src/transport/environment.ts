import { BusError } from '@terabus/messages';
import type { z } from 'zod';
import { printable } from '../topics/printable.js';

/** One environment variable: how its text becomes a value, and what it should be. */
export interface Variable<T = unknown> {
  readonly schema: z.ZodType<T, string>;
  /** Completes the sentence «it must be …». */
  readonly expected: string;
  /** Whether its value may hold a secret, which is never printed. */
  readonly secret?: true;
}

type Values<V extends Readonly<Record<string, Variable>>> = { [N in keyof V]?: z.output<V[N]['schema']> };

/**
 * The values of some environment variables; one that is empty counts as not set, as compose files write it.
 *
 * @throws BusError `TERABUS_ENVIRONMENT_INVALID`: which variable, what it was (unless it may be a secret), what it
 * should be
 */
export function readEnvironment<const V extends Readonly<Record<string, Variable>>>(
  variables: V,
  env: Readonly<Record<string, string | undefined>>,
): Values<V> {
  const values: Record<string, unknown> = {};
  for (const [name, { schema, expected, secret }] of Object.entries(variables)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    const read = schema.safeParse(text);
    if (!read.success) {
      const was = secret ? "what it is can't be shown, since it may hold a secret" : `it is ${printable(text)}`;
      throw new BusError(`the environment variable ${name} must be ${expected}; ${was}`, {
        reason: 'TERABUS_ENVIRONMENT_INVALID',
      });
    }
    values[name] = read.data;
  }
  return values as Values<V>;
}

/** The properties that have a value: an option that is undefined is not the same as one that isn't there. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
