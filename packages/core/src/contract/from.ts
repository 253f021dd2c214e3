import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { check, show } from './check.js';
import type { Delivery, DeliveryOptions, DeliveryOptionsOf, Pattern, Source, Topic, Wrapper } from './contract.js';
import { type Durability, MOST_STORED_MS } from './durable.js';

const deliveryOptions = z.strictObject({
  everyInstance: z.boolean().optional(),
  key: z.custom<(message: unknown) => unknown>((value) => typeof value === 'function', 'a function').optional(),
  concurrency: z.int().min(1).max(10_000).optional(),
  timeoutMs: z.int().min(1).optional(),
  abandonAfterMs: z.int().min(0).optional(),
  maxQueued: z.int().min(1).optional(),
  maxQueuedBytes: z.int().min(1).optional(),
  order: z.literal('per-key').optional(),
  deduplicate: z.boolean().optional(),
  start: z
    .union(
      [
        z.enum(['new', 'all']),
        z.strictObject({ sequence: z.int().min(1) }),
        z.strictObject({ timeMs: z.int().min(0) }),
      ],
      "it is 'new', 'all', { sequence } or { timeMs }, in whole milliseconds since 1970",
    )
    .optional(),
  ackWaitMs: z.int().min(100).max(MOST_STORED_MS).optional(),
  maxAckPending: z.int().min(1).max(100_000).optional(),
  maxUnsettled: z.int().min(1).max(100_000).optional(),
  maxUnsettledBytes: z.int().min(1).optional(),
});

/** Those that only make sense where messages are stored. */
const OF_DURABLE = [
  'order',
  'deduplicate',
  'start',
  'ackWaitMs',
  'maxAckPending',
  'maxUnsettled',
  'maxUnsettledBytes',
] as const;

/** Those that are about what is dropped, which a stream needs not. */
const OF_CORE = ['maxQueued', 'maxQueuedBytes'] as const;

/**
 * Says how messages of a topic are delivered to the handlers of a service. All handlers of one service on one topic
 * share these options: put the result in a constant where several use it.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID` on an unknown or impossible option.
 */
export function from<W extends Wrapper, P, N extends string, D extends Durability = Durability>(
  source: Topic<W, P, N, D> | Pattern<W, P, N, D>,
  options: DeliveryOptionsOf<P, D>,
): Delivery<W, P, N, D> {
  if (source?.kind !== 'topic' && source?.kind !== 'pattern') {
    const what = (source as { kind?: string } | undefined)?.kind === 'family' ? ': call it, or take its .all' : '';
    throw new BusError(`from(…) takes a topic or a pattern, not ${show((source as { kind?: string })?.kind)}${what}`, {
      reason: 'TERABUS_CONTRACT_INVALID',
    });
  }
  const name = `from('${source.definition.template}')`;
  const valid = check(deliveryOptions, options, name, 'TERABUS_CONTRACT_INVALID');
  const refuse = (why: string) => new BusError(`${name}: ${why}`, { reason: 'TERABUS_CONTRACT_INVALID' });
  const { durable } = source.definition;
  const stored = OF_DURABLE.find((option) => valid[option] !== undefined);
  if (durable === undefined && stored !== undefined) {
    throw refuse(`option '${stored}' is for durable topics, and this one is not: say 'durable' in its definition`);
  }
  if (durable !== undefined && valid.everyInstance) {
    if (!durable.lastValue) {
      throw refuse(
        "option 'everyInstance' is for topics that are not durable, or that keep the last value: the consumer of a stream is shared by all instances",
      );
    }
    if (stored !== undefined) throw refuse(`option '${stored}' does not go with 'everyInstance': there is no consumer`);
  }
  const dropping = OF_CORE.find((option) => valid[option] !== undefined);
  if (durable !== undefined && dropping !== undefined && valid.everyInstance !== true) {
    throw refuse(
      `option '${dropping}' says when messages are dropped, and those of a durable topic never are: there is 'maxUnsettled'`,
    );
  }
  if (valid.order !== undefined && valid.key === undefined) {
    throw refuse("option 'order' needs a 'key': which messages keep their order among each other");
  }
  return Object.freeze({
    kind: 'delivery',
    definition: source.definition,
    pattern: source.pattern,
    options: Object.freeze(valid) as DeliveryOptions<P>,
  });
}

/** The delivery options of a source; those of a bare topic or pattern are all unsaid. */
export const deliveryOf = (source: Source): DeliveryOptions =>
  source.kind === 'delivery' ? (source as Delivery).options : {};
