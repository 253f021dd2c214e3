import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { check, show } from '../contract/check.js';
import type { DeliveryOptions, Source, TopicDefinition, Usable } from '../contract/contract.js';
import type { ServiceClass, ServicePlan } from '../contract/contract-of.js';
import { contractOf } from '../contract/contract-of.js';
import { RESERVED_TOKENS } from '../contract/define-contract.js';
import { type DurableSettings, MOST_STORED_MS } from '../contract/durable.js';
import { LIVE } from '../topics/own.js';
import { overlaps } from '../topics/pattern.js';
import { parseTemplate } from '../topics/template.js';
import type { BucketPlan, ConsumerPlan, StorePlan, StreamPlan } from '../transport/store-plan.js';
import { bucketOf, consumerOf, deadLetterSubject, deadLettersOf, retriesOf, retrySubject, streamOf } from './names.js';

const DAY_MS = 86_400_000;
const DEFAULT_ACK_WAIT_MS = 10_000;
const DEFAULT_MAX_ACK_PENDING = 1_000;

/** What waits for its next try counts as handed out: so many of them may, before others that are due have to wait. */
const MAX_RETRIES_PENDING = 10_000;

/** Options of {@link planStreams}, checked and with their defaults. */
export const storePlanOptions = z.strictObject({
  /** On how many servers of a cluster each stream lies: 1, 3 or 5, since 2 and 4 bear no more losses than 1 and 3. Defaults to 1, which every server can do. */
  replicas: z.int().min(1).max(5).default(1),
  /** For how many milliseconds dead letters are kept. Defaults to 30 days. */
  keepDeadLettersMs: z
    .int()
    .min(1_000)
    .max(MOST_STORED_MS)
    .default(30 * DAY_MS),
  /**
   * How many dead letters of a service are kept at most, and how many of its messages may wait for another try, that
   * only where there is one replica. Defaults to 100,000 each, ten times what is handed out of the retries at once: when
   * there are more, somebody has to look.
   */
  maxDeadLetters: z.int().min(1).default(100_000),
  /** For how many milliseconds messages are remembered as done, or as suspects. Defaults to 7 days. */
  keepMarksMs: z
    .int()
    .min(1_000)
    .max(MOST_STORED_MS)
    .default(7 * DAY_MS),
  /**
   * How many marks of a service are kept at most: a message that was done once, a suspect, or a lease is one each, also
   * after it was deleted, for `keepMarksMs`. Defaults to 1,000,000, more than one in each second of 7 days. A service
   * that deduplicates more messages within `keepMarksMs` needs more, or waits for old ones to go; none is forgotten before.
   */
  maxMarks: z.int().min(1).default(1_000_000),
});

/** Options of {@link planStreams}. */
export type StorePlanOptions = z.input<typeof storePlanOptions>;

/**
 * The streams, consumers and buckets that services need for their durable topics, as plain data, for `provision`.
 * A topic's stream is its owner's: of a contract's events and mailbox the service that serves it, of any other topic
 * whoever names it. Each durable delivery group is a consumer. A service that handles durable messages has streams
 * of its own for what is tried again and for what was given up, and a bucket; one that takes leases has the bucket.
 *
 * @param services a list of classes with `@Service`, or their plans (`host.plans`, `contractOf`); those of one host, or of
 * a whole system. A contract alone says who publishes what, but not who reads it
 * @throws BusError `TERABUS_SERVICE_INVALID` for what is no service, such as a contract; `TERABUS_CONTRACT_INVALID` when
 * two streams would store the same subject, or a stream would store calls
 */
export function planStreams(
  services: readonly (ServiceClass | ServicePlan)[],
  options: StorePlanOptions = {},
): StorePlan {
  const checked = check(storePlanOptions, options, 'planStreams', 'TERABUS_OPTIONS_INVALID');
  const plans = plansOf(services);
  const streams = new Map<string, Mutable>();
  const buckets: BucketPlan[] = [];
  for (const plan of plans) {
    for (const definition of ownedBy(plan)) addStream(streams, definition, checked.replicas, true);
  }
  for (const plan of plans) {
    const { address } = plan.contract;
    const groups = durableGroups(plan);
    // Whoever reads last values has no consumer there, and can do nothing without the stream.
    for (const { definition } of plan.groups)
      if (isDurable(definition)) addStream(streams, definition, checked.replicas, false);
    for (const group of groups) {
      addStream(streams, group.definition, checked.replicas, false).consumers.push(...consumersOf(plan, group));
    }
    if (groups.length > 0) {
      streams.set(retriesOf(address), retries(plan, groups, checked));
      streams.set(deadLettersOf(address), deadLetters(plan, checked));
    } else if (!plan.leases) continue;
    buckets.push({
      name: bucketOf(address),
      ttlMs: checked.keepMarksMs,
      maxKeys: checked.maxMarks,
      replicas: checked.replicas,
    });
  }
  const planned = [...streams.values()];
  for (const stream of planned) refuseCalls(stream);
  refuseOverlaps(planned);
  return { streams: planned, buckets };
}

function plansOf(services: readonly (ServiceClass | ServicePlan)[]): readonly ServicePlan[] {
  const refuse = (what: string) =>
    new BusError(`planStreams takes a list of classes with @Service, or of their plans, not ${what}`, {
      reason: 'TERABUS_SERVICE_INVALID',
    });
  if (!Array.isArray(services)) throw refuse(show(services));
  return services.map((service: ServiceClass | ServicePlan) => {
    if (isFamily(service)) throw refuse(`the topics '${service.definition.template}'`);
    if (typeof service === 'function') return contractOf(service);
    if (Array.isArray(service?.groups)) return service;
    const { address, definition } = (service ?? {}) as { address?: string; definition?: TopicDefinition };
    if (address !== undefined) throw refuse(`the contract of ${address}: name the class that serves it`);
    throw refuse(definition === undefined ? show(service) : `the topic '${definition.template}'`);
  });
}

const isFamily = (value: unknown): value is { readonly definition: TopicDefinition } =>
  typeof value === 'function' && (value as { kind?: unknown }).kind === 'family';

type Options = z.output<typeof storePlanOptions>;
type Mutable = Omit<StreamPlan, 'consumers'> & { readonly consumers: ConsumerPlan[] };
type Group = ServicePlan['groups'][number];
type DurableDefinition = TopicDefinition & { readonly durable: DurableSettings };

const isDurable = (definition: TopicDefinition): definition is DurableDefinition => definition.durable !== undefined;

/** The delivery groups that read from a consumer. */
const durableGroups = (plan: ServicePlan): readonly (Group & { readonly definition: DurableDefinition })[] =>
  plan.groups.filter(
    (group): group is Group & { readonly definition: DurableDefinition } =>
      isDurable(group.definition) && group.options.everyInstance !== true,
  );

/** The durable topics whose streams are this service's to plan. */
function ownedBy({ contract, uses, groups }: ServicePlan): DurableDefinition[] {
  const own = [contract.events, contract.messages] as (Source | undefined)[];
  const free = [...uses.filter(isFree), ...groups.filter(({ definition }) => !isContracts(definition.template))];
  return [...own, ...free]
    .map((source) => source?.definition)
    .filter((definition): definition is DurableDefinition => definition !== undefined && isDurable(definition));
}

const isFree = (used: Usable): used is Extract<Usable, { readonly definition: TopicDefinition }> =>
  'definition' in used && !isContracts(used.definition.template);

/** Whether a topic is a contract's events or mailbox: `module.X.events.{table}`. */
const isContracts = (template: string): boolean =>
  /^(?:module|service)\..+\.(?:events|messages)(?:\.|$)/.test(template);

/** Where all topics of a definition lie, in subject spelling. */
const patternOf = ({ template }: TopicDefinition): string => parseTemplate(template).pattern;

function addStream(
  streams: Map<string, Mutable>,
  definition: DurableDefinition,
  replicas: number,
  owned: boolean,
): Mutable {
  const name = streamOf(definition);
  const known = streams.get(name);
  if (known !== undefined) return known;
  const { keepMs, maxBytes, maxMessages, duplicateWindowMs, lastValue } = definition.durable;
  const stream: Mutable = {
    name,
    subjects: [patternOf(definition)],
    retention: 'limits',
    maxAgeMs: keepMs,
    maxMessages,
    maxBytes,
    maxMessagesPerSubject: lastValue ? 1 : -1,
    // A full stream that let old messages go would lose them without a word.
    discard: 'new',
    duplicateWindowMs,
    replicas,
    republishTo: lastValue ? LIVE : undefined,
    owned,
    consumers: [],
  };
  streams.set(name, stream);
  return stream;
}

function consumersOf({ contract }: ServicePlan, { definition, pattern, options }: Group): ConsumerPlan[] {
  const { address } = contract;
  const isMailbox = definition.template === `${address}.messages`;
  return [consumer(address, pattern, pattern, options, isMailbox ? 'all' : 'new')];
}

function consumer(
  address: string,
  pattern: string,
  filter: string,
  { start, ackWaitMs, maxAckPending }: DeliveryOptions,
  defaultStart: ConsumerPlan['start'],
): ConsumerPlan {
  return {
    name: consumerOf(address, pattern),
    filter,
    ackWaitMs: ackWaitMs ?? DEFAULT_ACK_WAIT_MS,
    maxAckPending: maxAckPending ?? DEFAULT_MAX_ACK_PENDING,
    start: start ?? defaultStart,
  };
}

const OWN = {
  maxBytes: -1,
  maxMessagesPerSubject: -1,
  discard: 'new',
  duplicateWindowMs: 120_000,
  republishTo: undefined,
  owned: true,
} as const;

function retries({ contract }: ServicePlan, groups: readonly Group[], options: Options): Mutable {
  const { address } = contract;
  return {
    ...OWN,
    name: retriesOf(address),
    subjects: groups.map(({ pattern }) => retrySubject(address, pattern)),
    // Whoever takes one out of it has handled it, tried it once more, or dead-lettered it.
    retention: 'workqueue',
    maxAgeMs: 0,
    // Copies of a work queue take acknowledgements at moments of their own. When it is full, those of 2.9.10 come to hold
    // different messages under one number, and what was stored is removed as another one.
    maxMessages: options.replicas > 1 ? -1 : options.maxDeadLetters,
    replicas: options.replicas,
    consumers: groups.map(({ pattern, options: { ackWaitMs = DEFAULT_ACK_WAIT_MS } }) =>
      consumer(
        address,
        pattern,
        retrySubject(address, pattern),
        { ackWaitMs, maxAckPending: MAX_RETRIES_PENDING },
        'all',
      ),
    ),
  };
}

function deadLetters({ contract }: ServicePlan, options: Options): Mutable {
  const { address } = contract;
  return {
    ...OWN,
    name: deadLettersOf(address),
    subjects: [deadLetterSubject(address, '').replace(/[^.]+$/, '*')],
    retention: 'limits',
    maxAgeMs: options.keepDeadLettersMs,
    maxMessages: options.maxDeadLetters,
    replicas: options.replicas,
    consumers: [],
  };
}

/** A stream that stored a call would answer it, with its own acknowledgement. */
function refuseCalls({ name, subjects }: StreamPlan): void {
  for (const subject of subjects) {
    const tokens = subject.split('.');
    const mayBe = (token: string | undefined, ...words: string[]) => token === '*' || words.includes(token as string);
    const isInside = tokens.slice(1, -1).some((token) => RESERVED_TOKENS.has(token));
    const ofContract = mayBe(tokens[0], 'module', 'service', '>');
    if (!ofContract || isInside || !mayBe(tokens.at(-1), 'rpc', '>')) continue;
    throw new BusError(`the durable topic '${name}' may have the subject of a contract's calls: ${subject}`, {
      reason: 'TERABUS_CONTRACT_INVALID',
    });
  }
}

function refuseOverlaps(streams: readonly StreamPlan[]): void {
  for (const [index, stream] of streams.entries()) {
    for (const other of streams.slice(index + 1)) {
      const both = stream.subjects.find((subject) => other.subjects.some((each) => overlaps(subject, each)));
      if (both === undefined) continue;
      throw new BusError(
        `the durable topics '${stream.name}' and '${other.name}' overlap: no message lies in two streams`,
        {
          reason: 'TERABUS_CONTRACT_INVALID',
        },
      );
    }
  }
}
