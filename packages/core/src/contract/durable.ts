import { z } from 'zod';

/**
 * How a durable topic is stored, and what becomes of messages whose handlers fail. Part of the contract: those who
 * publish, those who handle, and the stream on the server agree on it.
 */
export interface DurableSettings {
  /** For how many milliseconds messages are kept. Defaults to 7 days: a weekend and the days until it is mended. */
  readonly keepMs: number;
  /**
   * The most that is kept, in messages; -1 for no limit. A full stream refuses what is published, and keeps all that it
   * has. Defaults to 10,000,000: sixteen in each second of `keepMs`, some 3 GB where messages are of the usual
   * size. Where a server or its account has less storage than that, it refuses as a full stream does.
   */
  readonly maxMessages: number;
  /**
   * The most that is kept, in bytes; -1 for no limit, which is the default. A limit is room that the server keeps free
   * for this stream alone. Within some 40 bytes of it, nats-server 2.9.10 takes a message and lets the oldest go, which
   * were acknowledged: it counts what it has around a message only when it has stored it. `maxMessages` is exact.
   */
  readonly maxBytes: number;
  /** For how many milliseconds a message id is known, so that a second try stores nothing. Defaults to 2 minutes, as JetStream does. */
  readonly duplicateWindowMs: number;
  /** How often a message is given to a handler that fails, before it is dead-lettered. Defaults to 5. */
  readonly tries: number;
  /**
   * The wait before the second try, in milliseconds; it doubles with each further one, up to 5 minutes, less up to a
   * quarter by chance, so that what failed together is not tried together. Defaults to 1,000: a restart of a database takes seconds.
   */
  readonly retryAfterMs: number;
  /**
   * Only the last message of each topic is kept. Handlers with `everyInstance` get it when they start, and then what
   * is published. Defaults to false.
   */
  readonly lastValue: boolean;
}

/** What a contract may say of it; `true` for all defaults. */
export type DurableOptions = true | { readonly [K in keyof DurableSettings]?: DurableSettings[K] };

/** What a definition says of it: how it is stored, or undefined where it isn't. */
export type Durability = DurableSettings | undefined;

/** What becomes of the option in types: an option that was left out is of no type in particular. */
export type DurabilityOf<Option> = Option extends DurableOptions ? DurableSettings : undefined;

const DAY_MS = 86_400_000;

/** The longest time that JetStream has room for: 292 years, in nanoseconds of 63 bits. */
export const MOST_STORED_MS = 9_223_372_036_000;

const limit = z.union([z.literal(-1), z.int().min(1)]);

const settings = z.strictObject({
  keepMs: z
    .int()
    .min(1_000)
    .max(MOST_STORED_MS)
    .default(7 * DAY_MS),
  maxMessages: limit.default(10_000_000),
  maxBytes: limit.default(-1),
  duplicateWindowMs: z.int().min(1_000).default(120_000),
  tries: z.int().min(1).max(1_000).default(5),
  retryAfterMs: z.int().min(1).default(1_000),
  lastValue: z.boolean().default(false),
});

/** The option `durable` of topics; undefined, which is the default, where nothing is stored. */
export const durable = z
  .union([z.literal(true), settings])
  .transform((given) => Object.freeze(given === true ? settings.parse({}) : given) as DurableSettings)
  .refine(
    ({ keepMs, duplicateWindowMs }) => duplicateWindowMs <= keepMs,
    'duplicateWindowMs may not be more than keepMs',
  )
  .optional();
