import { BusError } from '@terabus/messages';
import type { Contract, Source, Topic, TypeOrFamily } from '../contract/contract.js';
import { WHOLE_PAYLOAD } from '../contract/contract-of.js';
import { spread } from '../contract/define-topic.js';
import { deliveryOf } from '../contract/from.js';
import type { Next } from '../middleware/middleware.js';
import { type Batches, openBatching } from '../publishing/batches.js';
import type { BatchingOptions, BatchingSource } from '../publishing/batching.js';
import { NEW_CHAIN } from '../publishing/chain.js';
import type { Declared } from '../publishing/declared.js';
import type { Bus, ChainedBus, Subscription } from './bus.js';
import type { Listeners } from './listeners.js';
import type { Preparation } from './prepare.js';

/** What the bus of a service is made of. */
export interface ServiceBusParts {
  /** The class, for sentences. */
  readonly name: string;
  readonly chained: ChainedBus;
  readonly batches: Batches;
  readonly declared: Declared;
  readonly listeners: Listeners;
  readonly started: () => boolean;
  readonly draining: () => boolean;
  readonly preparation: Preparation;
}

/** The bus for a service and its parts, which may have it in hand before the service is started. */
export function serviceBus(parts: ServiceBusParts): Bus {
  const { name, chained, batches, started } = parts;
  const checkStarted = () => {
    if (started()) return;
    throw new BusError(
      `a part of ${name} uses the bus before its host has attached it: do it from onStart on, not in a constructor`,
      { reason: 'TERABUS_NOT_STARTED' },
    );
  };
  const publish = (kind: 'publish' | 'send', topic: Topic, messages: readonly unknown[], options?: never) => {
    try {
      checkStarted();
    } catch (error) {
      return Promise.reject(error);
    }
    return chained.publish(kind, topic, messages, NEW_CHAIN, options);
  };
  const bus = {
    publish: (topic: Topic, payload: unknown, options?: never) => publish('publish', topic, [payload], options),
    publishAll: (topic: Topic, messages: readonly unknown[], options?: never) =>
      publish('publish', topic, messages, options),
    batching: (source: BatchingSource, options?: BatchingOptions) =>
      openBatching(source, options, () => {
        checkStarted();
        return batches;
      }),
    send: (mailbox: Topic, message: unknown, options?: never) => publish('send', mailbox, [message], options),
    client: (contract: Contract) => {
      checkStarted();
      return chained.client(contract, NEW_CHAIN);
    },
    subscribe: (source: Source, ...rest: readonly unknown[]) =>
      rest.length === 1
        ? subscribe(parts, source, undefined, rest[0] as Next)
        : subscribe(parts, source, rest[0] as TypeOrFamily, rest[1] as Next),
  };
  return bus as unknown as Bus;
}

async function subscribe(
  { name, declared, listeners, started, draining, preparation }: ServiceBusParts,
  source: Source,
  type: TypeOrFamily | undefined,
  handler: Next,
): Promise<Subscription> {
  const { definition } = source;
  if (!started() || draining()) {
    const [why, reason] = started()
      ? (['is draining', 'TERABUS_DRAINING'] as const)
      : (['is not started yet', 'TERABUS_NOT_STARTED'] as const);
    throw new BusError(`${name} ${why} and can't subscribe to '${definition.template}'`, { reason });
  }
  declared.checkTopic(definition, 'subscribes to');
  if (definition.durable !== undefined && deliveryOf(source).everyInstance !== true) {
    throw new BusError(
      `${name} can't subscribe to '${definition.template}' while it runs: it is durable, and a stream is read by a consumer that provision made. Give a method @OnEvent or @OnMessage`,
      { reason: 'TERABUS_SERVICE_INVALID' },
    );
  }
  const types = type === undefined ? [[WHOLE_PAYLOAD, undefined] as const] : [...spread([type])];
  const plan = { name: `${name}.subscribe(${definition.template})`, middlewares: [] };
  const run = preparation.around(plan, handler);
  const handlers = types.map(
    ([typeName, messageType]) => [typeName, { place: preparation.place(plan), type: messageType, run }] as const,
  );
  const listening = listeners.listen(source, handlers);
  try {
    await listening.subscriptions;
  } catch (error) {
    await listeners.leave(listening, handlers);
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return {
    stop: () => {
      stopped ??= listeners.leave(listening, handlers);
      return stopped;
    },
  };
}
