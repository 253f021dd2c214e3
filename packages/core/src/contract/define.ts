import type { MessageType } from '@terabus/messages';
import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { toSubject } from '../topics/escape.js';
import { parseTemplate } from '../topics/template.js';
import { checkTopic } from '../topics/topic.js';
import { check, show } from './check.js';
import type {
  Contract,
  Delivery,
  DeliveryOptions,
  Instances,
  MessagesOf,
  Pattern,
  RpcMethod,
  Source,
  Topic,
  TopicDefinition,
  TopicFamily,
  TypeOrFamily,
  Wrapper,
} from './contract.js';
import type { RpcSignature } from './rpc-types.js';
import { bindMethod } from './rpc-types.js';

/** For JavaScript, and for what an import that goes in a circle leaves undefined. */
export const isTypeOrFamily = (value: unknown): value is TypeOrFamily =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  (typeof (value as MessageType).$type === 'string' || Array.isArray((value as { members?: unknown }).members));

const typeOrFamily = z.custom<TypeOrFamily>(isTypeOrFamily, 'a message type or a family of types');
const types = z.array(typeOrFamily).min(1);

const topicOptions = z.discriminatedUnion('wrapper', [
  z.strictObject({ wrapper: z.literal('event'), types }),
  z.strictObject({ wrapper: z.literal('module-message'), types, tracked: z.boolean().default(false) }),
  z.strictObject({ wrapper: z.literal('text') }),
  z.strictObject({ wrapper: z.literal('bytes') }),
]);

/** What `defineTopic` is told of a topic that carries `TeraEvent`s or `TeraModuleMessage`s. */
export type TypedTopicOptions<W extends 'event' | 'module-message', Types extends readonly TypeOrFamily[]> = {
  readonly wrapper: W;
  /** The types that it carries. Others on the same topic are left alone, undecoded. */
  readonly types: Types;
  /** Whether senders number their messages (architecture, section 6). Only for module messages; defaults to false. */
  readonly tracked?: W extends 'module-message' ? boolean : never;
};

/** A topic, or a family of topics where the name has parameters. */
export type TopicOrFamily<N extends string, W extends Wrapper, P> = N extends `${string}{${string}}${string}`
  ? TopicFamily<W, P, N>
  : Topic<W, P, N>;

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
>(name: N, options: TypedTopicOptions<W, Types>): TopicOrFamily<N, W, MessagesOf<Types[number]>>;
export function defineTopic<const N extends string>(
  name: N,
  options: { readonly wrapper: 'text' },
): TopicOrFamily<N, 'text', string>;
export function defineTopic<const N extends string>(
  name: N,
  options: { readonly wrapper: 'bytes' },
): TopicOrFamily<N, 'bytes', Uint8Array>;
export function defineTopic(name: string, options: unknown): unknown {
  checkTopic(name);
  const valid = check(topicOptions, options, `defineTopic('${name}')`, 'TERABUS_CONTRACT_INVALID');
  return makeTopic(
    name,
    valid.wrapper,
    'types' in valid ? valid.types : [],
    valid.wrapper === 'module-message' && valid.tracked,
  );
}

function makeTopic(
  template: string,
  wrapper: Wrapper,
  declared: readonly TypeOrFamily[],
  tracked: boolean,
): Topic | TopicFamily {
  const parsed = parseTemplate(template);
  const typesByName = spread(declared);
  const definition: TopicDefinition = Object.freeze({
    template,
    wrapper,
    types: typesByName,
    tracked,
    digest: JSON.stringify([template, wrapper, tracked, [...typesByName.keys()].sort()]),
  });
  const topic = (name: string): Topic =>
    Object.freeze({ kind: 'topic', definition, name, pattern: toSubject(name) }) as Topic;
  if (parsed.parameters.length === 0) return topic(template);
  const family = (parameters: Record<string, string>) => topic(parsed.expand(parameters));
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

const deliveryOptions = z.strictObject({
  everyInstance: z.boolean().optional(),
  key: z.custom<(message: unknown) => unknown>((value) => typeof value === 'function', 'a function').optional(),
  concurrency: z.int().min(1).max(10_000).optional(),
  timeoutMs: z.int().min(1).optional(),
  abandonAfterMs: z.int().min(0).optional(),
});

/**
 * Says how messages of a topic are delivered to the handlers of a service. All handlers of one service on one topic
 * share these options: put the result in a constant where several use it.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID` on an unknown or impossible option.
 */
export function from<W extends Wrapper, P, N extends string>(
  source: Topic<W, P, N> | Pattern<W, P, N>,
  options: DeliveryOptions<P>,
): Delivery<W, P, N> {
  if (source?.kind !== 'topic' && source?.kind !== 'pattern') {
    const what = (source as { kind?: string } | undefined)?.kind === 'family' ? ': call it, or take its .all' : '';
    throw new BusError(`from(…) takes a topic or a pattern, not ${show((source as { kind?: string })?.kind)}${what}`, {
      reason: 'TERABUS_CONTRACT_INVALID',
    });
  }
  const name = `from('${source.definition.template}')`;
  const valid = check(deliveryOptions, options, name, 'TERABUS_CONTRACT_INVALID');
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

type EventsOptions = {
  readonly types: readonly TypeOrFamily[];
  /** More tokens behind `.events`, for a family: `{table}`. */
  readonly suffix?: string;
};
type MailboxOptions = { readonly types: readonly TypeOrFamily[]; readonly tracked?: boolean };
type Signatures = Readonly<Record<string, RpcSignature>>;

/** What `defineModule` and `defineService` are told. */
export interface ContractOptions {
  /** The `TeraEvent`s that it publishes on `<address>.events`. */
  readonly events?: EventsOptions;
  /** The `TeraModuleMessage`s that are sent to it on `<address>.messages`. */
  readonly messages?: MailboxOptions;
  /** The methods that it answers on `<address>.rpc`. */
  readonly rpc?: Signatures;
  /**
   * How many instances may be active. Modules: 'one', since their mailbox is sequence-tracked and shared reading would
   * look like loss to each reader; services: 'many'.
   */
  readonly instances?: Instances;
  /** More addresses of the mailbox and the methods, without the leading `service.`: OpenTera's `service.<uuid>`. */
  readonly aliases?: readonly string[];
}

type EventsOf<A extends string, O extends ContractOptions> = O extends {
  readonly events: {
    readonly types: infer Types extends readonly TypeOrFamily[];
    readonly suffix: infer S extends string;
  };
}
  ? TopicOrFamily<`${A}.events.${S}`, 'event', MessagesOf<Types[number]>>
  : O extends { readonly events: { readonly types: infer Types extends readonly TypeOrFamily[] } }
    ? Topic<'event', MessagesOf<Types[number]>, `${A}.events`>
    : undefined;

type MailboxOf<A extends string, O extends ContractOptions> = O extends {
  readonly messages: { readonly types: infer Types extends readonly TypeOrFamily[] };
}
  ? Topic<'module-message', MessagesOf<Types[number]>, `${A}.messages`>
  : undefined;

type MethodsOf<A extends string, O extends ContractOptions> = O extends { readonly rpc: infer S extends Signatures }
  ? {
      readonly [M in keyof S & string]: S[M] extends RpcSignature<infer Args, infer Returns>
        ? RpcMethod<A, M, Args, Returns>
        : never;
    }
  : Record<never, RpcMethod>;

/** The contract that `defineModule` (address `module.<name>`) or `defineService` (`service.<key>`) gives. */
export type DefinedContract<A extends string, O extends ContractOptions> = Contract<
  A,
  EventsOf<A, O>,
  MailboxOf<A, O>,
  MethodsOf<A, O>
>;

const contractOptions = z.strictObject({
  events: z.strictObject({ types, suffix: z.string().min(1).optional() }).optional(),
  messages: z.strictObject({ types, tracked: z.boolean().optional() }).optional(),
  rpc: z
    .record(
      z.string(),
      z.custom<RpcSignature>((value) => (value as RpcSignature)?.kind === 'signature', 'made by rpc({ … })'),
    )
    .optional(),
  instances: z.enum(['one', 'many']).optional(),
  aliases: z.array(z.string().min(1)).optional(),
});

/**
 * Defines the contract of a module of the OpenTera server: `module.<name>.events`, `.messages` and `.rpc`. Its
 * mailbox is tracked and one instance is active, unless said otherwise.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID`, with a sentence.
 */
export function defineModule<const N extends string, const O extends ContractOptions>(
  name: N,
  options: O,
): DefinedContract<`module.${N}`, O> {
  return makeContract('module', name, options) as unknown as DefinedContract<`module.${N}`, O>;
}

/**
 * Defines the contract of a service: `service.<key>.events`, `.messages` and `.rpc`. Its mailbox is untracked and any
 * number of instances share the work, unless said otherwise.
 *
 * @throws BusError `TERABUS_CONTRACT_INVALID`, with a sentence.
 */
export function defineService<const K extends string, const O extends ContractOptions>(
  key: K,
  options: O,
): DefinedContract<`service.${K}`, O> {
  return makeContract('service', key, options) as unknown as DefinedContract<`service.${K}`, O>;
}

/** Tokens that would let one contract's RPC subject lie in another's events (architecture, section 1). */
const RESERVED_TOKENS = new Set(['events', 'messages', 'rpc']);

function checkName(kind: 'module' | 'service', name: unknown): void {
  checkTopic(name as string);
  for (const token of (name as string).split('.')) {
    if (token === '' || RESERVED_TOKENS.has(token) || /[{}]/.test(token)) {
      throw new BusError(
        `The name of ${kind} '${name}' has the token '${token}': tokens may not be empty, hold braces, or be one of events, messages, rpc`,
        { reason: 'TERABUS_CONTRACT_INVALID' },
      );
    }
  }
}

function makeContract(kind: 'module' | 'service', name: string, options: ContractOptions): Contract {
  checkName(kind, name);
  const define = kind === 'module' ? 'defineModule' : 'defineService';
  const valid = check(contractOptions, options, `${define}('${name}')`, 'TERABUS_CONTRACT_INVALID');
  const address = `${kind}.${name}`;
  for (const alias of valid.aliases ?? []) checkName(kind, alias);
  const aliases = Object.freeze((valid.aliases ?? []).map((alias) => `${kind}.${alias}`));

  const events =
    valid.events &&
    makeTopic(
      valid.events.suffix === undefined ? `${address}.events` : `${address}.events.${valid.events.suffix}`,
      'event',
      valid.events.types,
      false,
    );
  const messages =
    valid.messages &&
    makeTopic(
      `${address}.messages`,
      'module-message',
      valid.messages.types,
      valid.messages.tracked ?? kind === 'module',
    );
  const rpc: Record<string, RpcMethod> = Object.create(null);
  for (const [method, signature] of Object.entries(valid.rpc ?? {})) {
    rpc[method] = bindMethod(address, method, signature);
  }
  const instances = valid.instances ?? (kind === 'module' ? 'one' : 'many');
  return Object.freeze({
    kind,
    name,
    address,
    aliases,
    instances,
    events,
    messages,
    rpc: Object.freeze(rpc),
    digest: JSON.stringify([
      address,
      aliases,
      instances,
      events?.definition.digest,
      messages?.definition.digest,
      Object.values(rpc).map((method) => method.digest),
    ]),
  });
}
