import type { MessageType } from '@terabus/messages';
import { BusError } from '@terabus/messages';
import { z } from 'zod';
import type { HandlerRecord, RpcDeliveryOptions } from '../decorators/metadata.js';
import { handlersOf, middlewaresOf, serviceOf, WHOLE_CLASS } from '../decorators/metadata.js';
import type { Middleware } from '../middleware/middleware.js';
import { DEFAULT_LIMITS } from '../routing/limits.js';
import type { TeraService } from '../service/tera-service.js';
import { check, show } from './check.js';
import type { Contract, DeliveryOptions, RpcMethod, Source, TopicDefinition, Usable } from './contract.js';
import { deliveryOf } from './from.js';

/** A class that `@Service` made a service. */
export type ServiceClass<S extends TeraService = TeraService> = new (...args: never[]) => S;

/** One method that handles something. */
export interface HandlerPlan {
  /** `Class.method`, for sentences and logs. */
  readonly name: string;
  /** The method's name. */
  readonly member: string;
  /** Around it, the first outermost: those of the class, then those of the method. */
  readonly middlewares: readonly Middleware[];
}

/** One delivery group of a service: what is subscribed to, and who handles what of it. */
export interface GroupPlan {
  readonly definition: TopicDefinition;
  /** In subject spelling. */
  readonly pattern: string;
  readonly options: DeliveryOptions;
  /** By the full name of the type; by {@link WHOLE_PAYLOAD} for text and bytes. */
  readonly handlers: ReadonlyMap<string, HandlerPlan & { readonly type: MessageType | undefined }>;
}

/** The key of the one handler of a topic of text or bytes. */
export const WHOLE_PAYLOAD = '*';

/** A method of the contract and who answers it. */
export type MethodPlan = HandlerPlan & { readonly method: RpcMethod };

/** Everything that a service's class says: the one record from which all else is derived. */
export interface ServicePlan {
  readonly name: string;
  readonly contract: Contract;
  readonly uses: readonly Usable[];
  readonly groups: readonly GroupPlan[];
  /** By the method's name. */
  readonly methods: ReadonlyMap<string, MethodPlan>;
  readonly rpc: Required<RpcDeliveryOptions>;
  /** Whether it takes leases. */
  readonly leases: boolean;
}

const serviceOptions = z.strictObject({
  uses: z
    .array(
      z.custom<Usable>(
        (value) => ['module', 'service', 'topic', 'family', 'rpc'].includes((value as Usable)?.kind),
        'uses takes contracts, topics, families and methods of contracts',
      ),
    )
    .default([]),
  leases: z.boolean().default(false),
  rpc: z
    .strictObject({
      concurrency: z.int().min(1).max(10_000).default(64),
      timeoutMs: z.int().min(1).default(30_000),
      abandonAfterMs: z.int().min(0).default(30_000),
      maxQueued: z.int().min(1).default(1_024),
      maxQueuedBytes: z.int().min(1).default(DEFAULT_LIMITS.maxQueuedBytes),
    })
    .prefault({}),
});

/**
 * Reads what the decorators of a class recorded and checks that it is whole.
 *
 * @throws BusError `TERABUS_SERVICE_INVALID`, naming class and method, when a message or call could reach two
 * methods, a method of the contract has nobody to answer it, or options contradict each other.
 */
export function contractOf(serviceClass: ServiceClass): ServicePlan {
  const name = serviceClass.name || '(anonymous class)';
  const record = serviceOf(serviceClass);
  if (record === undefined) throw invalid(name, 'has no @Service: it says which contract the class serves');
  const { contract } = record;
  if (contract?.kind !== 'module' && contract?.kind !== 'service') {
    throw invalid(
      name,
      `has @Service without a contract: it was ${show(contract)}, as an import that goes in a circle leaves it`,
    );
  }
  const options = check(serviceOptions, record.options, `@Service of ${name}`, 'TERABUS_SERVICE_INVALID');
  if (contract.instances === 'many' && (contract.messages as Source | undefined)?.definition.tracked) {
    throw invalid(
      name,
      `serves ${contract.address}, whose mailbox is tracked while instances is 'many': instances that share a mailbox each see gaps in it. Say instances: 'one' or tracked: false`,
    );
  }

  const middlewares = middlewaresOf(serviceClass);
  const groups = new Map<string, Group>();
  const methods = new Map<string, MethodPlan>();
  for (const [member, records] of handlersOf(serviceClass)) {
    const handler: HandlerPlan = {
      name: `${name}.${member}`,
      member,
      middlewares: [...(middlewares.get(WHOLE_CLASS) ?? []), ...(middlewares.get(member) ?? [])],
    };
    for (const declared of records) {
      if (declared.kind === 'rpc') addMethod(methods, contract, handler, declared.method);
      else addToGroup(groups, handler, declared);
    }
  }
  for (const method of Object.values(contract.rpc)) {
    if (!methods.has(method.name)) {
      throw invalid(
        name,
        `has no handler for ${contract.address}.rpc '${method.name}': give a method @Rpc(….rpc.${method.name})`,
      );
    }
  }
  const shared = [...groups.values()].find(
    ({ definition, options: delivery }) => definition.tracked && delivery.everyInstance !== true,
  );
  if (contract.instances === 'many' && shared !== undefined) {
    throw invalid(
      name,
      `has many instances that share '${shared.definition.template}', which is tracked: each would see gaps in it. Say instances: 'one', or everyInstance: true`,
    );
  }
  refuseStored(name, contract, [...groups.values()]);
  return Object.freeze({
    name,
    contract,
    uses: options.uses,
    groups: [...groups.values()],
    methods,
    rpc: options.rpc,
    leases: options.leases,
  });
}

/** What a stream and its consumer can't do. */
function refuseStored(name: string, contract: Contract, groups: readonly Group[]): void {
  const mailbox = contract.messages as Source | undefined;
  if (mailbox?.definition.durable !== undefined && contract.aliases.length > 0) {
    throw invalid(
      name,
      `serves ${contract.address}, whose mailbox is durable, under ${contract.aliases.join(', ')} too: what is sent there is not stored. Leave out the aliases, or 'durable'`,
    );
  }
  for (const { definition, options } of groups) {
    if (options.order === 'per-key' && contract.instances === 'many') {
      throw invalid(
        name,
        `has many instances that share '${definition.template}', and order: 'per-key': each would get a part of the messages of a key. Say instances: 'one'`,
      );
    }
    if (options.maxUnsettled !== undefined && options.maxUnsettled > (options.maxAckPending ?? 1_000)) {
      throw invalid(
        name,
        `takes ${options.maxUnsettled} messages of '${definition.template}' at a time (maxUnsettled), and all its instances together get ${options.maxAckPending ?? 1_000} (maxAckPending)`,
      );
    }
    if (options.order === 'per-key' && options.maxUnsettled !== undefined) {
      throw invalid(
        name,
        `says maxUnsettled for '${definition.template}', whose order is kept: all that was handed out has to be here before anything begins. Say maxAckPending`,
      );
    }
  }
}

interface Group {
  definition: TopicDefinition;
  pattern: string;
  options: DeliveryOptions;
  /** Who said the options, for the sentence when another says otherwise. */
  saidBy: string | undefined;
  handlers: Map<string, HandlerPlan & { readonly type: MessageType | undefined; readonly family: string | undefined }>;
}

function addToGroup(
  groups: Map<string, Group>,
  handler: HandlerPlan,
  record: Exclude<HandlerRecord, { kind: 'rpc' }>,
): void {
  const { source } = record;
  const options = deliveryOf(source);
  const key = groupKey(source.pattern, options);
  let group = groups.get(key);
  if (group === undefined) {
    group = { definition: source.definition, pattern: source.pattern, options, saidBy: undefined, handlers: new Map() };
    groups.set(key, group);
  }
  const twin = groups.get(groupKey(source.pattern, { everyInstance: !options.everyInstance }));
  if (group.definition.digest !== source.definition.digest) {
    throw invalid(
      handler.name,
      `handles '${source.definition.template}', of which another method of the class has a different definition`,
    );
  }
  if (source.kind === 'delivery') {
    if (group.saidBy !== undefined && !sameOptions(group.options, options)) {
      throw invalid(
        handler.name,
        `and ${group.saidBy} give different delivery options for '${source.definition.template}': put one from(…) in a constant and use it in both`,
      );
    }
    group.options = options;
    group.saidBy = handler.name;
  }
  if (record.kind === 'payload') {
    addHandler(group, twin, WHOLE_PAYLOAD, { ...handler, type: undefined, family: undefined });
    return;
  }
  for (const type of record.types) {
    if (!source.definition.types.has(type.$type)) {
      throw invalid(
        handler.name,
        `handles ${type.$type} on '${source.definition.template}', which carries ${[...source.definition.types.keys()].join(', ')}`,
      );
    }
    addHandler(group, twin, type.$type, { ...handler, type, family: record.family });
  }
}

/** @param twin the group of the same pattern that is shared where this one isn't, or the reverse */
function addHandler(
  group: Group,
  twin: Group | undefined,
  key: string,
  handler: HandlerPlan & { type: MessageType | undefined; family: string | undefined },
): void {
  const other = group.handlers.get(key) ?? twin?.handlers.get(key);
  if (other !== undefined) {
    const what = key === WHOLE_PAYLOAD ? '' : `${key} on `;
    const family = handler.family ?? other.family;
    const why =
      family === undefined || handler.family === other.family ? '' : ` (it is a member of the family ${family})`;
    throw invalid(
      handler.name,
      `and ${other.name} both handle ${what}'${group.definition.template}'${why}: a message goes to one method of a service`,
    );
  }
  group.handlers.set(key, handler);
}

function addMethod(
  methods: Map<string, MethodPlan>,
  contract: Contract,
  handler: HandlerPlan,
  method: RpcMethod,
): void {
  if (method.address !== contract.address) {
    throw invalid(
      handler.name,
      `answers '${method.name}' of ${method.address}, but the class serves ${contract.address}`,
    );
  }
  if (!Object.hasOwn(contract.rpc, method.name)) {
    throw invalid(handler.name, `answers '${method.name}', which ${contract.address} doesn't have`);
  }
  const other = methods.get(method.name);
  if (other !== undefined) throw invalid(handler.name, `and ${other.name} both answer '${method.name}'`);
  methods.set(method.name, { ...handler, method });
}

/** Groups of one service are apart by pattern and by whether every instance gets every message. */
export const groupKey = (pattern: string, options: DeliveryOptions): string =>
  `${options.everyInstance ? 'every' : 'shared'} ${pattern}`;

/** Whether two groups of options say the same. */
export function sameOptions(left: DeliveryOptions, right: DeliveryOptions): boolean {
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]) as Set<keyof DeliveryOptions>;
  return [...keys].every((key) => left[key] === right[key]);
}

const invalid = (who: string, why: string) => new BusError(`${who} ${why}`, { reason: 'TERABUS_SERVICE_INVALID' });
