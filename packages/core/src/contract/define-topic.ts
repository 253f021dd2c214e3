import { BusError, type MessageType } from '@terabus/messages';
import { z } from 'zod';
import { toSubject } from '../topics/escape.js';
import { HEARTBEAT_TOKEN, isHeartbeat } from '../topics/heartbeat.js';
import { parseTemplate } from '../topics/template.js';
import { checkTopic } from '../topics/topic.js';
import { check } from './check.js';
import type { MessagesOf, Pattern, Topic, TopicDefinition, TopicFamily, TypeOrFamily, Wrapper } from './contract.js';
import { type Durability, type DurabilityOf, type DurableOptions, durable } from './durable.js';

/** For JavaScript, and for what an import that goes in a circle leaves undefined. */
export const isTypeOrFamily = (value: unknown): value is TypeOrFamily =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  (typeof (value as MessageType).$type === 'string' || Array.isArray((value as { members?: unknown }).members));

const typeOrFamily = z.custom<TypeOrFamily>(isTypeOrFamily, 'a message type or a family of types');
/** At least one type or family, as every topic of messages carries. */
export const types = z.array(typeOrFamily).min(1);

const topicOptions = z.discriminatedUnion('wrapper', [
  z.strictObject({ wrapper: z.literal('event'), types, durable }),
  z.strictObject({ wrapper: z.literal('module-message'), types, tracked: z.boolean().default(false), durable }),
  z.strictObject({ wrapper: z.literal('text'), durable }),
  z.strictObject({ wrapper: z.literal('bytes'), durable }),
]);

/** What `defineTopic` is told of a topic that carries `TeraEvent`s or `TeraModuleMessage`s. */
export type TypedTopicOptions<
  W extends 'event' | 'module-message',
  Types extends readonly TypeOrFamily[],
  D extends DurableOptions | undefined = DurableOptions | undefined,
> = {
  readonly wrapper: W;
  /** The types that it carries. Others on the same topic are left alone, undecoded. */
  readonly types: Types;
  /** Whether senders number their messages. Only for module messages; defaults to false. */
  readonly tracked?: W extends 'module-message' ? boolean : never;
  /** Stores what is published: `true`, or how. By default nothing is stored. */
  readonly durable?: D;
};

/** A topic, or a family of topics where the name has parameters. */
export type TopicOrFamily<
  N extends string,
  W extends Wrapper,
  P,
  D extends Durability,
> = N extends `${string}{${string}}${string}` ? TopicFamily<W, P, N, D> : Topic<W, P, N, D>;

/**
 * Defines a topic: its name as OpenTera spells it, what wraps its messages, and the types it carries. With
 * `{parameters}` in the name, each exactly one token, it defines a family: a function of the parameters that gives
 * a topic, with `.all` for the pattern over all of them.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID` or `TERABUS_TOPIC_INVALID`, with a sentence.
 */
export function defineTopic<
  const N extends string,
  const W extends 'event' | 'module-message',
  const Types extends readonly TypeOrFamily[],
  D extends DurableOptions | undefined = undefined,
>(name: N, options: TypedTopicOptions<W, Types, D>): TopicOrFamily<N, W, MessagesOf<Types[number]>, DurabilityOf<D>>;
export function defineTopic<const N extends string, D extends DurableOptions | undefined = undefined>(
  name: N,
  options: { readonly wrapper: 'text'; readonly durable?: D },
): TopicOrFamily<N, 'text', string, DurabilityOf<D>>;
export function defineTopic<const N extends string, D extends DurableOptions | undefined = undefined>(
  name: N,
  options: { readonly wrapper: 'bytes'; readonly durable?: D },
): TopicOrFamily<N, 'bytes', Uint8Array, DurabilityOf<D>>;
export function defineTopic(name: string, options: unknown): unknown {
  checkTopic(name);
  const valid = check(topicOptions, options, `defineTopic('${name}')`, 'TERABUS_CONTRACT_INVALID');
  return makeTopic(name, valid.wrapper, 'types' in valid ? valid.types : [], {
    tracked: valid.wrapper === 'module-message' && valid.tracked,
    durable: valid.durable,
  });
}

/** A topic, or a family where the template has parameters. */
export function makeTopic(
  template: string,
  wrapper: Wrapper,
  declared: readonly TypeOrFamily[],
  { tracked, durable }: { readonly tracked: boolean; readonly durable: Durability },
): Topic | TopicFamily {
  const parsed = parseTemplate(template);
  if (isHeartbeat(template)) {
    throw new BusError(
      `The topic '${template}' ends in '${HEARTBEAT_TOKEN}', where the last numbers of tracked topics are told`,
      { reason: 'TERABUS_CONTRACT_INVALID' },
    );
  }
  const typesByName = spread(declared);
  const definition: TopicDefinition = Object.freeze({
    template,
    wrapper,
    types: typesByName,
    tracked,
    durable,
    digest: JSON.stringify([template, wrapper, tracked, [...typesByName.keys()].sort(), durable]),
  });
  const topic = (name: string): Topic =>
    Object.freeze({ kind: 'topic', definition, name, pattern: toSubject(name) }) as Topic;
  if (parsed.parameters.length === 0) return topic(template);
  const family = (parameters: Record<string, string>) => {
    const name = parsed.expand(parameters);
    if (!isHeartbeat(name)) return topic(name);
    throw new BusError(`topic '${template}': its last token may not be '${HEARTBEAT_TOKEN}'`, {
      reason: 'TERABUS_TOPIC_PARAMETER',
    });
  };
  const all: Pattern = Object.freeze({ kind: 'pattern', definition, pattern: parsed.pattern });
  return Object.freeze(Object.assign(family, { kind: 'family' as const, definition, all })) as unknown as TopicFamily;
}

/** The single types behind types and families, by name. */
export function spread(declared: readonly TypeOrFamily[]): ReadonlyMap<string, MessageType> {
  const byName = new Map<string, MessageType>();
  for (const entry of declared) {
    for (const type of 'members' in entry ? entry.members : [entry]) byName.set(type.$type, type as MessageType);
  }
  return byName;
}
