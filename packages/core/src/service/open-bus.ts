import type { Contract, Topic } from '../contract/contract.js';
import type { BusEvent, Observer } from '../observe/observer.js';
import { Batches, openBatching } from '../publishing/batches.js';
import type { BatchingOptions, BatchingSource } from '../publishing/batching.js';
import { NEW_CHAIN } from '../publishing/chain.js';
import { EVERYTHING } from '../publishing/declared.js';
import { ulids } from '../publishing/ids.js';
import type { PublishOptions } from '../publishing/options.js';
import { Publisher } from '../publishing/publisher.js';
import { Caller } from '../rpc/client.js';
import { callRetries } from '../rpc/retry.js';
import { Sequencer } from '../sequencing/sequencer.js';
import type { Clock } from '../transport/clock.js';
import { systemClock } from '../transport/system-clock.js';
import type { Transport } from '../transport/transport.js';
import type { Bus } from './bus.js';

/** What `openBus` is told. */
export interface OpenBusOptions {
  /** What carries the messages. It stays the caller's: whoever opened it closes it. */
  readonly transport: Transport;
  /** Who sends: the `source` of module messages, such as `service.Import`. */
  readonly source: string;
  /** Defaults to the machine's. */
  readonly clock?: Clock | undefined;
  /** Told what was published and called, and what turned out unconfirmed. What it throws is
   * ignored. Defaults to nobody. */
  readonly observer?: Observer | undefined;
}

/** The part of a {@link Bus} that speaks. */
export type OpenBus = Pick<Bus, 'publish' | 'publishAll' | 'batching' | 'send' | 'client'>;

/**
 * A bus for code that is no service: a command line tool, a script, a test. It handles nothing, and it is not held to
 * a list of `uses`, since it has no contract from which anybody would derive its permissions.
 *
 * It has no end of its own: what sends to a tracked mailbox and closes the transport at once leaves no heartbeat, so the
 * loss of its last messages can't be found. Let such a script `confirm` them. What batches has to be flushed before the
 * transport is closed.
 */
export function openBus({ transport, source, clock = systemClock, observer }: OpenBusOptions): OpenBus {
  const newId = ulids(clock);
  const parts = {
    transport,
    clock,
    service: source,
    declared: EVERYTHING,
    sequencer: new Sequencer({ newEpoch: newId }),
    interceptors: [],
    callRetries: callRetries.parse({}),
    newId,
    emit: (event: BusEvent) => {
      try {
        observer?.(event);
      } catch {
        // What it does must not decide about a message.
      }
    },
  };
  const publisher = new Publisher(parts);
  const caller = new Caller(parts);
  const batches = new Batches({ ...parts, chained: publisher });
  const bus = {
    publish: (topic: Topic, payload: unknown, options?: PublishOptions) =>
      publisher.publish('publish', topic, [payload], NEW_CHAIN, options),
    publishAll: (topic: Topic, messages: readonly unknown[], options?: PublishOptions) =>
      publisher.publish('publish', topic, messages, NEW_CHAIN, options),
    batching: (source: BatchingSource, options?: BatchingOptions) => openBatching(source, options, () => batches),
    send: (mailbox: Topic, message: unknown, options?: PublishOptions) =>
      publisher.publish('send', mailbox, [message], NEW_CHAIN, options),
    client: (contract: Contract) => caller.client(contract, NEW_CHAIN),
  };
  return bus as unknown as OpenBus;
}
