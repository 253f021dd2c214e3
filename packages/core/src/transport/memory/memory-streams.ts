import { BusError } from '@terabus/messages';
import { checkStorePattern } from '../../topics/pattern.js';
import type { KeyValue } from '../key-value.js';
import type { StorePlan } from '../store-plan.js';
import type {
  ConsumeOptions,
  ConsumerState,
  Consuming,
  Expectation,
  Stored,
  StoredMessage,
  StoreMessage,
  StreamDelivery,
  StreamQuery,
  StreamState,
  Streams,
} from '../streams.js';
import type { TransportEvent } from '../transport-health.js';
import { Calls } from './calls.js';
import type { Exchange } from './exchange.js';
import { Expectations } from './expectations.js';
import { Intake } from './intake.js';
import { MemoryKeyValue } from './memory-key-value.js';
import { toStoredMessage } from './stored-message.js';

/** What the streams of a connection need of it. */
export interface StreamsParts {
  /** The name of the connection. */
  readonly name: string;
  readonly exchange: Exchange;
  /** Why nothing can be asked at this moment, a turn of the event loop later. */
  readonly refused: () => Promise<never> | undefined;
  readonly emit: (event: TransportEvent) => void;
}

/** The {@link Streams} of one connection to a memory broker, and what of it ends and comes back with the link. */
export class MemoryStreams implements Streams {
  readonly #name: string;
  readonly #exchange: Exchange;
  readonly #calls: Calls;
  readonly #expectations: Expectations;
  readonly #intakes = new Set<Intake>();
  readonly #endWatch: () => void;
  #isUp = true;

  constructor({ name, exchange, refused, emit }: StreamsParts) {
    this.#name = name;
    this.#exchange = exchange;
    this.#calls = new Calls(exchange.queue, refused);
    this.#expectations = new Expectations(exchange.store, emit);
    // A consumer that was deleted may be there again.
    this.#endWatch = exchange.store.watch(() => this.#attachAll());
  }

  /** How what is there differs from what is expected. */
  get problems(): readonly BusError[] {
    return this.#expectations.problems;
  }

  keyValue(bucket: string): KeyValue {
    return new MemoryKeyValue(bucket, this.#exchange.store, this.#calls);
  }

  /** The answer comes within two turns of the event loop, so no time can run out. */
  async store(message: StoreMessage): Promise<Stored> {
    return await this.#calls.ask(() => this.#exchange.put(this.#name, message), unknown);
  }

  async consume(options: ConsumeOptions, deliver: (delivery: StreamDelivery) => void): Promise<Consuming> {
    const { store, queue } = this.#exchange;
    const parts = { store, queue, calls: this.#calls };
    const intake: Intake = new Intake(parts, options, deliver, () => this.#intakes.delete(intake));
    return await this.#calls.ask(() => {
      intake.attach();
      this.#intakes.add(intake);
      return intake;
    });
  }

  async consumerState(stream: string, consumer: string): Promise<ConsumerState> {
    return await this.#ask((store) => store.consumer(stream, consumer).state);
  }

  async streamState(stream: string): Promise<StreamState> {
    return await this.#ask((store) => store.stream(stream).state);
  }

  async read(stream: string, query: StreamQuery): Promise<StoredMessage | undefined> {
    return await this.#ask((store) => {
      if ('filter' in query && query.filter !== undefined) checkStorePattern(query.filter);
      const row = store.stream(stream).find(query);
      return row && toStoredMessage(row, stream);
    });
  }

  async subjects(stream: string, pattern: string): Promise<string[]> {
    return await this.#ask((store) => {
      checkStorePattern(pattern);
      return store.stream(stream).subjects(pattern);
    });
  }

  async purge(stream: string, what: { readonly sequence: number } | { readonly filter: string }): Promise<number> {
    return await this.#ask((store) => {
      if ('filter' in what) checkStorePattern(what.filter);
      return store.stream(stream).purge(what);
    });
  }

  async expect(plan: StorePlan): Promise<Expectation> {
    return await this.#calls.ask(() => this.#expectations.add(plan));
  }

  /** The link is lost, and what was on its way. */
  interrupt(cause: BusError): void {
    this.#isUp = false;
    for (const intake of this.#intakes) intake.interrupt();
    this.#expectations.interrupt();
    this.#calls.lose(cause);
  }

  /** The link is back. */
  restore(): void {
    this.#isUp = true;
    this.#calls.restore();
    this.#attachAll();
    this.#expectations.restore();
  }

  /** The connection ends: nothing more is handed over when the queue has come to here. */
  end(): void {
    this.#endWatch();
    this.#expectations.end();
    for (const intake of [...this.#intakes]) void intake.stop();
  }

  /** It has ended: nobody hears any more what it says. */
  ended(reason: BusError): void {
    this.#calls.lose(reason);
  }

  #ask<T>(act: (store: Exchange['store']) => T): Promise<T> {
    return this.#calls.ask(() => act(this.#exchange.store));
  }

  #attachAll(): void {
    if (!this.#isUp) return;
    for (const intake of this.#intakes) intake.attachIfThere();
  }
}

function unknown(cause: BusError): BusError {
  return new BusError('the link to the memory broker was lost before it said whether the message is stored', {
    reason: 'TERABUS_STORE_UNKNOWN',
    cause,
  });
}
