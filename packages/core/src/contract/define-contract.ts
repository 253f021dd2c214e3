import { BusError } from '@terabus/messages';
import { z } from 'zod';
import { HEARTBEAT_TOKEN, isHeartbeat } from '../topics/heartbeat.js';
import { checkTopic } from '../topics/topic.js';
import { check } from './check.js';
import type { Contract, Instances, MessagesOf, RpcMethod, Topic, TypeOrFamily } from './contract.js';
import { makeTopic, type TopicOrFamily, types } from './define-topic.js';
import { type DurabilityOf, type DurableOptions, durable } from './durable.js';
import { bindMethod, type RpcSignature } from './rpc-types.js';

type EventsOptions = {
  readonly types: readonly TypeOrFamily[];
  /** More tokens behind `.events`, for a family: `{table}`. */
  readonly suffix?: string;
  /** Stores them: `true`, or how. By default they reach whoever listens at that moment. */
  readonly durable?: DurableOptions;
};
type MailboxOptions = {
  readonly types: readonly TypeOrFamily[];
  readonly tracked?: boolean;
  /** Stores what is sent: `true`, or how. By default it reaches whoever serves the contract at that moment. */
  readonly durable?: DurableOptions;
};
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
  readonly events: infer E extends EventsOptions;
}
  ? E extends { readonly suffix: infer S extends string }
    ? TopicOrFamily<`${A}.events.${S}`, 'event', MessagesOf<E['types'][number]>, DurableOf<E>>
    : Topic<'event', MessagesOf<E['types'][number]>, `${A}.events`, DurableOf<E>>
  : undefined;

type MailboxOf<A extends string, O extends ContractOptions> = O extends {
  readonly messages: infer M extends MailboxOptions;
}
  ? Topic<'module-message', MessagesOf<M['types'][number]>, `${A}.messages`, DurableOf<M>>
  : undefined;

type DurableOf<O> = O extends { readonly durable?: infer D } ? DurabilityOf<D> : undefined;

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
  events: z.strictObject({ types, suffix: z.string().min(1).optional(), durable }).optional(),
  messages: z.strictObject({ types, tracked: z.boolean().optional(), durable }).optional(),
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

/** Tokens that would let one contract's RPC subject lie in another's events, say. */
export const RESERVED_TOKENS = new Set(['events', 'messages', 'rpc', 'instances']);

function checkName(kind: 'module' | 'service', name: unknown): void {
  checkTopic(name as string);
  if (name === HEARTBEAT_TOKEN || isHeartbeat(name as string)) {
    throw new BusError(`The name of ${kind} '${name}' may not end in the token '${HEARTBEAT_TOKEN}'`, {
      reason: 'TERABUS_CONTRACT_INVALID',
    });
  }
  for (const token of (name as string).split('.')) {
    if (token === '' || RESERVED_TOKENS.has(token) || /[{}]/.test(token)) {
      throw new BusError(
        `The name of ${kind} '${name}' has the token '${token}': tokens may not be empty, hold braces, or be one of ${[...RESERVED_TOKENS].join(', ')}`,
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
      { tracked: false, durable: valid.events.durable },
    );
  const messages =
    valid.messages &&
    makeTopic(`${address}.messages`, 'module-message', valid.messages.types, {
      tracked: valid.messages.tracked ?? kind === 'module',
      durable: valid.messages.durable,
    });
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
