import type { ServicePlan } from '@terabus/core';
import { planStreams } from '@terabus/core';
import type { StorePlan, StreamPlan } from '@terabus/core/transport';
import type { Entry } from '../permission-entries.js';
import { Names } from './names.js';

const entry = (pattern: string): Entry => ({ pattern });
const isOwn = (subject: string): boolean => /^_(?:RETRY|DEAD)\./.test(subject);
const isDeadLetters = ({ subjects }: StreamPlan): boolean => subjects.every((subject) => subject.startsWith('_DEAD.'));

/**
 * What the durable topics of services take at the API of JetStream: to look after their streams and consumers, to be
 * handed out messages and to settle them, to store what is tried again and what is given up, and to read and write
 * their bucket. Nothing that makes, changes or deletes a stream or a consumer.
 */
export function storeGrants(
  plans: readonly ServicePlan[],
  namespace: string | undefined,
  deadLetters: boolean,
): Entry[] {
  const names = new Names(namespace);
  const plan = planStreams(plans);
  const lastValues = plans
    .flatMap(({ groups }) => groups)
    .filter(({ definition, options }) => definition.durable?.lastValue === true && options.everyInstance === true);
  return [
    ...plan.streams.flatMap((stream) => streamGrants(stream, names, deadLetters)),
    ...plan.buckets.flatMap(({ name }) => [...readGrants(names.bucket(name)), entry(`${names.keys(name)}>`)]),
    ...lastValues.flatMap(({ definition }) => readGrants(names.of(definition.template))),
  ];
}

const readGrants = (stream: string): Entry[] =>
  ['INFO', 'MSG.GET'].map((operation) => entry(`$JS.API.STREAM.${operation}.${stream}`));

function streamGrants(plan: StreamPlan, names: Names, deadLetters: boolean): Entry[] {
  const stream = names.of(plan.name);
  return [
    entry(`$JS.API.STREAM.INFO.${stream}`),
    ...plan.subjects.filter(isOwn).map((subject) => entry(names.subject(subject))),
    ...plan.consumers.flatMap(({ name }) => {
      const consumer = `${stream}.${names.of(name)}`;
      return [
        entry(`$JS.API.CONSUMER.INFO.${consumer}`),
        entry(`$JS.API.CONSUMER.MSG.NEXT.${consumer}`),
        entry(`$JS.ACK.${consumer}.>`),
        // As newer servers write it, with domain and account in front. With fewer tokens behind it, the subject of any other
        // consumer would fit, which hands out messages to whoever asks there (`+NXT`).
        entry(`$JS.ACK.*.*.${consumer}.*.*.*.*.>`),
      ];
    }),
    ...(deadLetters && isDeadLetters(plan)
      ? ['MSG.GET', 'MSG.DELETE', 'PURGE'].map((operation) => entry(`$JS.API.STREAM.${operation}.${stream}`))
      : []),
  ];
}

/** What makes the streams, consumers and buckets of a plan, and looks at them. */
export function provisionGrants(plan: StorePlan, namespace: string | undefined): Entry[] {
  const names = new Names(namespace);
  const made = (stream: string) => [entry(`$JS.API.STREAM.INFO.${stream}`), entry(`$JS.API.STREAM.CREATE.${stream}`)];
  return [
    ...plan.streams.flatMap(({ name, owned, consumers }) => {
      const stream = names.of(name);
      return [
        ...(owned ? made(stream) : made(stream).slice(0, 1)),
        ...consumers.flatMap((consumer) => {
          const both = `${stream}.${names.of(consumer.name)}`;
          return [entry(`$JS.API.CONSUMER.INFO.${both}`), entry(`$JS.API.CONSUMER.DURABLE.CREATE.${both}`)];
        }),
      ];
    }),
    ...plan.buckets.flatMap(({ name }) => made(names.bucket(name))),
  ];
}
