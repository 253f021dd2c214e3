import { BusError } from '@terabus/messages';
import type { Clock } from '../clock.js';
import type { StorePlan, StreamPlan } from '../store-plan.js';
import type { Transport } from '../transport.js';
import type { ConsumerChanges } from './consumer.js';
import { turnUntilQuiet } from './event-loop.js';
import type { Crossing } from './exchange.js';
import { Exchange } from './exchange.js';
import { MemoryTransport } from './memory-transport.js';
import { VirtualClock } from './virtual-clock.js';

/** Options of a {@link MemoryBroker}. */
export interface MemoryBrokerOptions {
  /**
   * Tells the time of what observers see; a {@link VirtualClock} also waits for this broker's deliveries before it
   * moves on. Defaults to a new `VirtualClock`, since whoever works in memory mostly wants to own time too. For a
   * program in memory that runs by itself there is `systemClock`; hosts of durable topics need the broker's clock.
   */
  readonly clock?: Clock | undefined;
  /** The largest message, headers included, in bytes. Defaults to 1 MiB, the default of nats-server. */
  readonly maxPayloadBytes?: number | undefined;
  /**
   * Decides which member of a group gets which message, so that a run can be repeated. Defaults to 1. The choice looks
   * random, as that of NATS does: no test should count on turns.
   */
  readonly seed?: number | undefined;
  /** Gets what `deliver`, `settle` or an observer throws. Defaults to `console.error`, so that it is seen in tests. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/**
 * NATS in one process, for tests and first steps: `connect()` gives each host a {@link Transport} that keeps the
 * promises of the port and passes the same conformance suite as the one over NATS.
 *
 * ```ts
 * const broker = new MemoryBroker();
 * const host = await startHost({ transport: broker.connect(), clock: broker.clock, services: [Greeter] });
 * ```
 *
 * A message is routed at once when it is published, and handed over when the event loop turns. A link is lost when a
 * test says so ({@link MemoryBroker.interrupt}). What {@link MemoryBroker.provision} has made stores as JetStream does,
 * whatever becomes of connections: waits for acknowledgements, delays, windows and ages are times of the broker's clock.
 * What is not modelled:
 *
 * - the network: nothing is delayed or reordered, and what is lost is lost on both ways at once; nobody dials, so
 *   nothing waits for the link to come back: what is published without it is refused at once;
 * - time and pressure: no slow consumers, no limits on connections, subscriptions or pending bytes;
 * - accounts, permissions, namespaces, TLS: whoever has the broker may do all;
 * - clusters, leaf nodes, gateways, and answers to senders that are not Terabus;
 * - files and their loss, replicas and elections of streams.
 */
export class MemoryBroker {
  /** The clock to give to the hosts on this broker. */
  readonly clock: Clock;
  readonly #exchange: Exchange;
  readonly #connections = new Set<MemoryTransport>();
  #connectionCount = 0;

  constructor(options: MemoryBrokerOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.#exchange = new Exchange({
      clock: this.clock,
      maxPayloadBytes: options.maxPayloadBytes ?? 2 ** 20,
      seed: options.seed ?? 1,
      onError: options.onError ?? console.error,
    });
    if (this.clock instanceof VirtualClock) this.clock.waitFor(this);
  }

  /** A new connection. `name` stands in what observers see; it defaults to `memory-1`, `memory-2`, … */
  connect(options: { readonly name?: string | undefined } = {}): Transport {
    this.#connectionCount += 1;
    const id = this.#connectionCount;
    const connection = new MemoryTransport(this.#exchange, this.clock, options.name ?? `memory-${id}`, id);
    this.#connections.add(connection);
    void connection.closed.then(() => this.#connections.delete(connection));
    return connection;
  }

  /** Whether something is queued for delivery. */
  get busy(): boolean {
    return this.#exchange.queue.busy;
  }

  /**
   * Resolves when nothing is queued for delivery, after at least one turn of the event loop. Handlers that wait for
   * something else are not waited for. Rejects with an `Error` when messages bring forth messages without end.
   */
  idle(): Promise<void> {
    return turnUntilQuiet(() => this.busy);
  }

  /**
   * Calls `listener` with every message that crosses the broker, its own copy, from within `publish`, `request` or
   * `respond` and before anybody gets it. It is no subscription: nobody has a responder because of it. Nothing is
   * recorded for later. Returns the function that ends it.
   */
  observe(listener: (crossing: Crossing) => void): () => void {
    this.#exchange.observers.add(listener);
    return () => this.#exchange.observers.delete(listener);
  }

  /**
   * The links of all connections, or of those with this name, are lost until {@link restore}: what they publish,
   * answer and ask is refused with `TERABUS_DISCONNECTED`, what they have asked settles with it, nothing is delivered
   * to them, and nobody is served by them. What they have published since the event loop turned last is lost and
   * reported as unconfirmed; of what they were storing nobody knows whether it is stored. Their subscriptions survive,
   * what others publish meanwhile does not come later; what streams have handed out to them and was not settled does.
   */
  interrupt(options: { readonly connection?: string | undefined; readonly error?: BusError | undefined } = {}): void {
    const {
      connection,
      error = new BusError('the link to the memory broker is lost', { reason: 'TERABUS_DISCONNECTED' }),
    } = options;
    for (const each of this.#named(connection)) each.interrupt(error);
  }

  /** The links of all connections, or of those with this name, are back. */
  restore(options: { readonly connection?: string | undefined } = {}): void {
    for (const each of this.#named(options.connection)) each.restore();
  }

  /**
   * Creates the streams, consumers and buckets of a plan that are missing, and leaves those that are as planned. They
   * and what they hold outlive all connections.
   *
   * @throws BusError `TERABUS_STORE_DRIFT` where something else is there already; nothing is done then
   */
  provision(plan: StorePlan): void {
    this.#exchange.store.provision(plan);
  }

  /**
   * Deletes a stream with its messages and consumers, as an administrator may by mistake.
   *
   * @throws BusError `TERABUS_STREAM_MISSING`
   */
  deleteStream(name: string): void {
    this.#exchange.store.deleteStream(name);
  }

  /**
   * Deletes a consumer, so that nobody knows any more how far it was. Who reads from it gets nothing until it is there
   * again.
   *
   * @throws BusError `TERABUS_CONSUMER_MISSING`
   */
  deleteConsumer(stream: string, name: string): void {
    this.#exchange.store.deleteConsumer(stream, name);
  }

  /**
   * Deletes a bucket with all that it holds.
   *
   * @throws BusError `TERABUS_BUCKET_MISSING`
   */
  deleteBucket(name: string): void {
    this.#exchange.store.deleteBucket(name);
  }

  /**
   * Changes a stream, so that it is not as planned any more.
   *
   * @throws BusError `TERABUS_STREAM_MISSING`
   */
  updateStream(name: string, changes: Partial<Omit<StreamPlan, 'name' | 'consumers'>>): void {
    this.#exchange.store.updateStream(name, changes);
  }

  /**
   * Changes a consumer, so that it is not as planned any more.
   *
   * @throws BusError `TERABUS_CONSUMER_MISSING`
   */
  updateConsumer(stream: string, name: string, changes: ConsumerChanges): void {
    this.#exchange.store.updateConsumer(stream, name, changes);
  }

  #named(name: string | undefined): MemoryTransport[] {
    return [...this.#connections].filter((each) => name === undefined || each.name === name);
  }

  /**
   * Ends all connections, as a server that goes away would: their `closed` resolves with `reason`, and what is queued
   * is lost. Resolves when all have ended. New connections can be made afterwards.
   */
  async close(reason?: BusError): Promise<void> {
    for (const connection of this.#connections) connection.abort(reason);
    await Promise.all([...this.#connections].map(({ closed }) => closed));
  }
}
