import { BusError } from '@terabus/core/transport';
import { ERR, isMissing, refusedByApi } from './api-error.js';
import type { JetStream } from './jetstream.js';
import { consumerCalled, streamCalled } from './names.js';
import { consumerMissing, MISSING, SILENT, silent, streamMissing } from './trouble.js';

/** A healthy server answers in a millisecond or two. */
const TIMEOUT_MS = 1_500;

/** Finds out whether a consumer is there. What is found stands as a problem until it is there again. */
export class ConsumerLook {
  readonly #jetStream: JetStream;
  readonly #stream: string;
  readonly #consumer: string;
  readonly called: string;
  #ended = false;

  constructor(jetStream: JetStream, stream: string, consumer: string) {
    this.#jetStream = jetStream;
    this.#stream = stream;
    this.#consumer = consumer;
    this.called = consumerCalled(stream, consumer);
  }

  /** Asks for its state, and resolves when there is an answer or none. */
  ask() {
    const { names } = this.#jetStream;
    const operation = `CONSUMER.INFO.${names.of(this.#stream)}.${names.of(this.#consumer)}`;
    return this.#jetStream.call(operation, {}, TIMEOUT_MS);
  }

  /** Resolves with undefined where it is there, else with why not, or why nobody knows. */
  async look(): Promise<BusError | undefined> {
    try {
      const { error } = await this.ask();
      if (error && !isMissing(error)) throw refusedByApi(error, this.called);
      if (error) return this.#missing(error.err_code === ERR.streamNotFound);
      this.solve();
      return undefined;
    } catch (thrown) {
      const error = BusError.from(thrown);
      if (error.reason === 'TERABUS_STREAM_UNAVAILABLE') this.#add(SILENT + this.called, silent(this.called, error));
      return error;
    }
  }

  /** It has shown that it is there. */
  solve(): void {
    const { troubles } = this.#jetStream;
    if (!troubles.some) return;
    for (const key of [MISSING + streamCalled(this.#stream), MISSING + this.called, SILENT + this.called]) {
      troubles.solve(key);
    }
  }

  /** Nobody cares any more. */
  end(): void {
    this.#ended = true;
    this.solve();
  }

  #missing(withItsStream: boolean): BusError {
    const error = consumerMissing(this.#stream, this.#consumer);
    // As an expectation tells it: of a stream that is gone its consumers say nothing more.
    if (withItsStream) this.#add(MISSING + streamCalled(this.#stream), streamMissing(this.#stream));
    else this.#add(MISSING + this.called, error);
    return error;
  }

  #add(key: string, error: BusError): void {
    if (!this.#ended) this.#jetStream.troubles.add(key, error);
  }
}
