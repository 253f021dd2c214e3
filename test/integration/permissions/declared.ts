import type { Contract, ServicePlan, Source, TopicDefinition, Usable } from '@terabus/core';
import { planStreams } from '@terabus/core';
import { type StorePlan, toName, toSubject } from '@terabus/core/transport';

/** Where a host may speak and ask, and where it answers and listens: topics and patterns without namespace. Plain JSON. */
export interface Declared {
  readonly speaks: readonly string[];
  readonly asks: readonly string[];
  readonly answers: readonly Listening[];
  readonly hears: readonly Listening[];
  /** The addresses of services of which one instance is active. */
  readonly singles: readonly string[];
  /** What its durable topics need. */
  readonly stored: StorePlan;
}

interface Listening {
  readonly pattern: string;
  readonly group?: string;
}

/** Read from the plans of services on its own, so that it can be held against what is granted to them. */
export function declaredBy(plans: readonly ServicePlan[]): Declared {
  return {
    speaks: plans.flatMap(({ contract, uses }) =>
      [contract.events as Source | undefined, ...uses.map(spokenOf)]
        .filter((topic) => topic !== undefined)
        .flatMap(({ definition }) =>
          beating(definition.tracked && definition.durable === undefined, sample(definition)),
        ),
    ),
    asks: plans.flatMap(({ uses }) => uses.flatMap(askedOf)),
    answers: plans.flatMap(({ contract, methods }) =>
      methods.size === 0 ? [] : addressesOf(contract).map((address) => shared(contract, toSubject(`${address}.rpc`))),
    ),
    hears: plans.flatMap(({ contract, groups }) =>
      groups.flatMap(({ definition, pattern, options }) => {
        // None of the examples reads last values.
        if (definition.durable !== undefined) return [];
        const isMailbox = definition.template === `${contract.address}.messages`;
        const patterns = isMailbox ? addressesOf(contract).map((each) => toSubject(`${each}.messages`)) : [pattern];
        return patterns
          .flatMap((each) => beating(definition.tracked, each))
          .map((each) => (options.everyInstance ? { pattern: each } : shared(contract, each)));
      }),
    ),
    singles: plans.filter(({ contract }) => contract.instances === 'one').map(({ contract }) => contract.address),
    stored: planStreams(plans),
  };
}

/** Where a host that reads its own dead letters speaks to JetStream. */
export function storedSubjects({ streams, buckets }: StorePlan, namespace: string): string[] {
  const nameOf = (text: string) => toName(text, namespace);
  const api = (stream: string, ...operations: string[]) => operations.map((each) => `$JS.API.STREAM.${each}.${stream}`);
  return [
    ...streams.flatMap(({ name, subjects, consumers }) => [
      ...api(nameOf(name), 'INFO'),
      ...(isDeadLetters(subjects) ? api(nameOf(name), 'MSG.GET', 'MSG.DELETE', 'PURGE') : []),
      ...subjects.filter((subject) => subject.startsWith('_')).map((subject) => `@${namespace}.${subject}`),
      ...consumers.flatMap((consumer) => {
        const both = `${nameOf(name)}.${nameOf(consumer.name)}`;
        const operations = ['INFO', 'MSG.NEXT'].map((each) => `$JS.API.CONSUMER.${each}.${both}`);
        return [...operations, `$JS.ACK.${both}.>`, `$JS.ACK.*.*.${both}.*.*.*.*.>`];
      }),
    ]),
    ...buckets.flatMap(({ name }) => [...api(`KV_${nameOf(name)}`, 'INFO', 'MSG.GET'), `$KV.${nameOf(name)}.>`]),
  ];
}

export const isDeadLetters = (subjects: readonly string[]): boolean =>
  subjects.every((each) => each.startsWith('_DEAD.'));

/** Where the instances of a service talk to each other. */
export const claimOf = (single: string) => `${single}.instances.claim`;
export const newsOf = (single: string) => `${single}.instances.news`;
export const standbyOf = (single: string) => `${single}.instances.standby`;

const addressesOf = ({ address, aliases }: Contract) => [address, ...aliases];
const shared = ({ address }: Contract, pattern: string) => ({ pattern, group: `${address} ${pattern}` });
const beating = (tracked: boolean, topic: string) => (tracked ? [topic, `${topic}.heartbeat`] : [topic]);
const sample = ({ template }: TopicDefinition) => template.replaceAll(/\{\w+\}/g, 'sample');

function spokenOf(used: Usable): { readonly definition: TopicDefinition } | undefined {
  if (used.kind === 'module' || used.kind === 'service') return used.messages as Source | undefined;
  return used.kind === 'rpc' ? undefined : (used as { readonly definition: TopicDefinition });
}

function askedOf(used: Usable): string[] {
  if (used.kind === 'rpc') return ['topic' in used ? used.topic : ''];
  if (used.kind !== 'module' && used.kind !== 'service') return [];
  return Object.keys(used.rpc).length > 0 ? [`${used.address}.rpc`] : [];
}
