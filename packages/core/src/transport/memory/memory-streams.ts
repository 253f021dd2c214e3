import { BusError } from '@terabus/messages';
import { checkStorePattern } from '../../topics/pattern.js';
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
import type { Calls } from './calls.js';
import type { Exchange } from './exchange.js';
import type { Expectations } from './expectations.js';
import { Intake } from './intake.js';
import { toStoredMessage } from './stored-message.js';

/** What the streams of a connection need of it. */
export interface StreamsParts {
  /** The name of the connection. */
  readonly name: string;
  readonly exchange: Exchange;
  readonly calls: Calls;
  readonly expectations: Expectations;
}

/** The {@link Streams} of one connection to a memory broker. */
export class MemoryStreams implements Streams {
  readonly #parts: StreamsParts;
  readonly #intakes = new Set<Intake>();
  readonly #endWatch: () => void;
  #isUp = true;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    // A consumer that was deleted may be there again.
    this.#endWatch = parts.exchange.store.watch(() => this.#attachAll());
  }

  /** The answer comes within two turns of the event loop, so no time can run out. */
  async store(message: StoreMessage): Promise<Stored> {
    const { calls, exchange, name } = this.#parts;
    return await calls.ask(() => exchange.put(name, message), unknown);
  }

  async consume(options: ConsumeOptions, deliver: (delivery: StreamDelivery) => void): Promise<Consuming> {
    const { calls, exchange } = this.#parts;
    const intake: Intake = new Intake({ store: exchange.store, queue: exchange.queue, calls }, options, deliver, () =>
      this.#intakes.delete(intake),
    );
    return await calls.ask(() => {
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
    const { calls, expectations } = this.#parts;
    return await calls.ask(() => expectations.add(plan));
  }

  /** The link is lost. */
  interrupt(): void {
    this.#isUp = false;
    for (const intake of this.#intakes) intake.interrupt();
  }

  /** The link is back. */
  restore(): void {
    this.#isUp = true;
    this.#attachAll();
  }

  /** The connection ends: nothing more is handed over when the queue has come to here. */
  end(): void {
    this.#endWatch();
    for (const intake of [...this.#intakes]) void intake.stop();
  }

  #ask<T>(act: (store: Exchange['store']) => T): Promise<T> {
    const { calls, exchange } = this.#parts;
    return calls.ask(() => act(exchange.store));
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
