import type { Contract, RpcMethod, ServiceClass, ServicePlan, Source, TopicFamily, Usable } from '@terabus/core';
import { contractOf, instanceTopics, makesRequests } from '@terabus/core';
import type { StorePlan } from '@terabus/core/transport';
import { BusError, checkedPattern, printable, toName, toSubject, withNamespace } from '@terabus/core/transport';
import { z } from 'zod';
import { provisionGrants, storeGrants } from './jetstream/grants.js';
import { natsOptions } from './options.js';
import type { Entry, Grants } from './permission-entries.js';
import { publishGrants, subscribeGrants } from './permission-entries.js';

/** What one user of a nats-server may do: plain data, in the shape of `permissions` in the server's configuration. */
export interface NatsPermissions {
  readonly publish: Grants;
  readonly subscribe: Grants;
}

/** What `subscribe` of a service may be given while it runs: a topic, a pattern, either with `from`, or a whole family. */
export type Subscribable = Source | Pick<TopicFamily, 'kind' | 'definition' | 'all'>;

const { name, namespace, replyTo } = natsOptions.shape;
const permissionOptions = z.strictObject({
  /**
   * The name of the connection, as `connectNats` gets it: the host's answers come to `_REPLY.<name>.…`, so that no other
   * host may have it: two of one name could hear each other's answers. `runService` connects by the names of its
   * classes with `+` between them. Needed for a host that has answers to wait for; it has no default.
   */
  name: name.unwrap().optional(),
  /** The namespace, as `connectNats` gets it. None by default. */
  namespace,
  /** Which callers that are no Terabus get an answer, as `connectNats` gets it: `_INBOX.` by default, `_R_.` not. */
  replyTo,
  /** Whether Redis clients are answered at their `reply_to`, as `startHost` gets it. Defaults to false. */
  answerRedisClients: z.boolean().default(false),
  /**
   * What the services subscribe to while they run (`this.subscribe`, `bus.subscribe`): nothing by default. `uses` only
   * says that they may: granting all of it would open the mailbox of every module that a service merely writes to.
   */
  subscribes: z
    .array(
      z.custom<Subscribable>(
        (value) => ['topic', 'pattern', 'delivery', 'family'].includes((value as Subscribable)?.kind),
        'takes topics, patterns, families and what from(…) makes of them',
      ),
    )
    .default([]),
  /**
   * Whether the host's own dead letters are read, deleted and sent again by this user (`host.deadLetters`). Defaults to
   * false: a running service needs to store them, and who looks after them may be somebody else.
   */
  deadLetters: z.boolean().default(false),
});

/** Options of {@link natsPermissions}. A host that has answers to wait for needs `name`; all others are optional. */
export type PermissionOptions = z.input<typeof permissionOptions>;

/**
 * The permissions that one host needs at a nats-server, and nothing else: what its services handle, answer, publish,
 * send to and call, as their contracts and `uses` declare it. One host is one connection is one user.
 *
 * ```ts
 * const permissions = natsPermissions([PresenceService], { name: 'presence', namespace: 'prod' });
 * const user = { user: 'presence', password: '$2a$11$…', permissions };
 * await writeFile('users.conf', JSON.stringify({ authorization: { users: [user] } }));
 * ```
 *
 * JSON is a configuration that nats-server reads. Declare every topic in `uses`: a service that sends to its own
 * mailbox or calls its own methods names its own contract there too.
 *
 * @param services classes with `@Service`, or their plans
 * @throws BusError `TERABUS_OPTIONS_INVALID`, also without a `name` where answers come to; `TERABUS_SERVICE_INVALID` for a class that is no service;
 * `TERABUS_NOT_DECLARED` for something in `subscribes` that no service may subscribe to; `TERABUS_TOPIC_TOO_LONG`
 */
export function natsPermissions(
  services: readonly (ServiceClass | ServicePlan)[],
  options: PermissionOptions = {},
): NatsPermissions {
  const checked = parse(permissionOptions, options, 'natsPermissions');
  const plans = services.map((service) => (typeof service === 'function' ? contractOf(service) : service));
  const serves = plans.some(({ methods }) => methods.size > 0);
  const answers = serves || plans.some(({ contract }) => instanceTopics(contract) !== undefined);
  const stored = storeGrants(plans, checked.namespace, checked.deadLetters);
  // What is stored is acknowledged, and what is handed out is sent, to where answers come to.
  const asks = plans.some(makesRequests) || stored.length > 0 || plans.some(stores);
  const inNamespace = ({ pattern, queue }: Entry): Entry => ({
    pattern: checkedPattern(pattern, checked.namespace),
    queue: queue === undefined || queue === '*' ? queue : toName(queue, checked.namespace),
  });
  const reply = (shape: string): Entry => ({ pattern: withNamespace(`_REPLY.${shape}`, checked.namespace) });

  const publish = [
    ...plans.flatMap(spoken).map(inNamespace),
    ...plans.flatMap((plan) => controlled(plan).publish).map(inNamespace),
    ...stored,
    ...(answers ? [reply('*.*.*')] : []),
    ...(serves && checked.replyTo.inbox ? [{ pattern: '_INBOX.>' }] : []),
    ...(serves && checked.replyTo.crossAccount ? [{ pattern: '_R_.>' }] : []),
    ...(serves && checked.answerRedisClients ? [inNamespace({ pattern: 'RedisRPCClient.*' })] : []),
  ];
  const subscribe = [
    ...plans.flatMap(handled).map(inNamespace),
    ...checked.subscribes.flatMap((source) => heard(source, plans)).map(inNamespace),
    ...plans.flatMap((plan) => controlled(plan).subscribe).map(inNamespace),
    ...(asks ? [reply(`${toName(checked.name ?? unnamed(plans))}.*.*`)] : []),
  ];
  return { publish: publishGrants(publish), subscribe: subscribeGrants(subscribe) };
}

/** A default would be that of other hosts too. */
function unnamed(plans: readonly ServicePlan[]): never {
  throw new BusError(
    `natsPermissions needs the option name for ${plans.map((plan) => plan.name).join(', ')}: that of its connection, and of no other host, since answers come to _REPLY.<name>.…`,
    { reason: 'TERABUS_OPTIONS_INVALID' },
  );
}

const provisionOptions = z.strictObject({ name, namespace });

/**
 * The permissions that `provision` needs for a plan, and `compareStore`: to look at its streams, consumers and buckets and
 * to make them, and to hear the answers. Give them to nobody else: who may make consumers can have messages sent to
 * subjects that it may not publish to.
 *
 * @param options name and namespace as `provision` gets them
 * @throws BusError `TERABUS_OPTIONS_INVALID`
 */
export function provisionPermissions(plan: StorePlan, options: z.input<typeof provisionOptions> = {}): NatsPermissions {
  const checked = parse(provisionOptions, options, 'provisionPermissions');
  const replies = withNamespace(`_REPLY.${toName(checked.name)}.*.*`, checked.namespace);
  return {
    publish: publishGrants(provisionGrants(plan, checked.namespace)),
    subscribe: subscribeGrants([{ pattern: replies }]),
  };
}

function parse<T extends z.ZodType>(schema: T, options: unknown, name: string): z.output<T> {
  const { success, data, error } = schema.safeParse(options);
  if (success) return data;
  const [issue] = error.issues as [z.core.$ZodIssue];
  const path = issue.path.join('.');
  throw new BusError(
    issue.code === 'unrecognized_keys'
      ? `${name} does not know the option ${printable([path, issue.keys[0]].filter(Boolean).join('.'))}`
      : `${name} can't use the option ${path || 'object'}: ${issue.message}`,
    { reason: 'TERABUS_OPTIONS_INVALID' },
  );
}

/** What a service publishes, sends to and calls: its own events, and its `uses`. */
function spoken(plan: ServicePlan): Entry[] {
  return spokenTo(plan).flatMap((topic) =>
    'definition' in topic
      ? withHeartbeat(beats(topic), { pattern: patternOf(topic) })
      : [{ pattern: toSubject(topic.topic) }],
  );
}

const spokenTo = ({ contract, uses }: ServicePlan): Addressed[] =>
  [contract.events as Addressed | undefined, ...uses.flatMap(addressed)].filter((topic) => topic !== undefined);

/** What is stored is not lost on its way, and needs no word of how far its sender has come. */
const beats = ({ definition }: Pick<Subscribable, 'definition'>): boolean =>
  definition.tracked && definition.durable === undefined;

/** Whether something that a service says is stored, which is acknowledged. */
const stores = (plan: ServicePlan): boolean =>
  spokenTo(plan).some((topic) => 'definition' in topic && topic.definition.durable !== undefined);

type Addressed = Subscribable | RpcMethod;

/** Of a contract that is used, its mailbox and its methods, which share one subject. */
function addressed(used: Usable): (Addressed | undefined)[] {
  if (used.kind !== 'module' && used.kind !== 'service') return [used as Addressed];
  return [used.messages as Source | undefined, Object.values((used as Contract).rpc)[0]];
}

/** What the decorated methods of a service handle and answer. */
function handled(plan: ServicePlan): Entry[] {
  const { address, aliases } = plan.contract;
  const addresses = plan.methods.size === 0 ? [] : [address, ...aliases];
  return [
    ...plan.groups.flatMap((group) => delivered(plan, group)),
    ...addresses.map((each) => shared(plan, toSubject(`${each}.rpc`))),
  ];
}

/** A delivery group, at the aliases too where it is the mailbox's. */
function delivered(
  plan: ServicePlan,
  group: Pick<ServicePlan['groups'][number], 'definition' | 'pattern' | 'options'>,
): Entry[] {
  const { address, aliases } = plan.contract;
  const { definition, pattern, options } = group;
  const isMailbox = definition.template === `${address}.messages`;
  // What is stored is handed out by consumers: nobody but its stream listens, and acknowledges.
  if (definition.durable !== undefined) return options.everyInstance ? [{ pattern: `_LIVE.${pattern}` }] : [];
  const patterns = [pattern, ...(isMailbox ? aliases.map((alias) => toSubject(`${alias}.messages`)) : [])];
  return patterns
    .flatMap((each) => withHeartbeat(definition.tracked, { pattern: each }))
    .map((entry) => (options.everyInstance ? entry : shared(plan, entry.pattern)));
}

/** The queue group is named after service and pattern, as the host names it. */
const shared = ({ contract }: ServicePlan, pattern: string): Entry => ({
  pattern,
  queue: `${contract.address} ${pattern}`,
});

/** What may be subscribed to while the services run, by those that declare it. */
function heard(source: Subscribable, plans: readonly ServicePlan[]): Entry[] {
  const { definition, kind } = source;
  const listeners = plans.filter((plan) => mayHear(plan).has(definition.digest));
  if (listeners.length === 0) {
    throw new BusError(
      `${plans.map((plan) => plan.name).join(', ') || 'nobody'} may not subscribe to '${definition.template}': it is neither its own nor in its 'uses'`,
      { reason: 'TERABUS_NOT_DECLARED' },
    );
  }
  // The members of a family have queue groups of their own, whose names nobody knows yet.
  if (kind === 'family') {
    return withHeartbeat(definition.tracked, { pattern: patternOf(source) }).map((entry) => ({ ...entry, queue: '*' }));
  }
  const options = 'options' in source ? (source.options as { everyInstance?: boolean }) : {};
  return listeners.flatMap((plan) => delivered(plan, { definition, pattern: patternOf(source), options }));
}

/** The digests of what a service may subscribe to: its own topics, those of its `uses`, the events of used contracts. */
function mayHear({ contract, uses }: ServicePlan): ReadonlySet<string> {
  const topics = [contract, ...uses].flatMap((used) =>
    used.kind === 'module' || used.kind === 'service' ? [used.events, used.messages] : [used],
  ) as (Partial<Source> | undefined)[];
  return new Set(topics.map((topic) => topic?.definition?.digest).filter((digest) => digest !== undefined));
}

const patternOf = (topic: Subscribable): string => (topic.kind === 'family' ? topic.all.pattern : topic.pattern);

/** Whoever numbers its messages also says now and then how far it has come, one token below where it sends them. */
const withHeartbeat = (tracked: boolean, entry: Entry): Entry[] =>
  tracked ? [entry, { ...entry, pattern: `${entry.pattern}.heartbeat` }] : [entry];

/** Where the instances of a service agree which of them is active: each speaks and listens there. */
function controlled({ contract }: ServicePlan): {
  readonly publish: readonly Entry[];
  readonly subscribe: readonly Entry[];
} {
  const topics = instanceTopics(contract);
  if (topics === undefined) return { publish: [], subscribe: [] };
  const patterns = [topics.claim, topics.standby, topics.news].map(toSubject);
  return {
    publish: patterns.map((pattern) => ({ pattern })),
    subscribe: patterns.map((pattern) =>
      pattern === toSubject(topics.standby) ? { pattern, queue: topics.standby } : { pattern },
    ),
  };
}
