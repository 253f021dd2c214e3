import type {
  BusError,
  ConsumeOptions,
  ConsumerState,
  Consuming,
  Expectation,
  Stored,
  StoredMessage,
  StoreMessage,
  StorePlan,
  StreamDelivery,
  StreamQuery,
  StreamState,
  Streams,
} from '@terabus/core/transport';

import { ERR, isGone, isMissing, refusedByApi } from './api-error.js';
import { Expecting } from './expectation.js';
import { Intake } from './intake.js';
import type { JetStream } from './jetstream.js';
import { consumerCalled, streamCalled } from './names.js';
import { store } from './store.js';
import { type StoredJson, storedMessage } from './stored-message.js';
import { consumerMissing, streamMissing } from './trouble.js';

interface StreamInfo {
  readonly total?: number;
  readonly limit?: number;
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    readonly consumer_count: number;
    readonly subjects?: Readonly<Record<string, number>>;
  };
}

/** {@link Streams} over JetStream's API, by requests of our own: each link is another client. */
export class NatsStreams implements Streams {
  readonly #jetStream: JetStream;
  #badMessages = 0;

  constructor(jetStream: JetStream) {
    this.#jetStream = jetStream;
  }

  store(message: StoreMessage, timeoutMs: number): Promise<Stored> {
    return store(this.#jetStream, message, timeoutMs);
  }

  async consume(options: ConsumeOptions, deliver: (delivery: StreamDelivery) => void): Promise<Consuming> {
    const bad = (error: BusError) => {
      this.#badMessages += 1;
      this.#jetStream.emit({ kind: 'bad-message', error, count: this.#badMessages });
    };
    const intake = new Intake(this.#jetStream, options, deliver, bad);
    await intake.start();
    return { stop: () => intake.stop() };
  }

  async consumerState(stream: string, consumer: string): Promise<ConsumerState> {
    const { names } = this.#jetStream;
    const operation = `CONSUMER.INFO.${names.of(stream)}.${names.of(consumer)}`;
    const info = await this.#jetStream.call<{
      num_pending: number;
      num_ack_pending: number;
      ack_floor: { stream_seq: number };
    }>(operation);
    if (info.error) {
      if (isMissing(info.error)) throw consumerMissing(stream, consumer);
      throw refusedByApi(info.error, `the state of ${consumerCalled(stream, consumer)}`);
    }
    return {
      pending: info.num_pending ?? 0,
      unsettled: info.num_ack_pending ?? 0,
      settledUpTo: info.ack_floor?.stream_seq ?? 0,
    };
  }

  async streamState(stream: string): Promise<StreamState> {
    const { messages, bytes, first_seq, last_seq } = (await this.#info(stream)).state;
    return { messages, bytes, firstSequence: first_seq, lastSequence: last_seq };
  }

  async read(stream: string, query: StreamQuery): Promise<StoredMessage | undefined> {
    const { names } = this.#jetStream;
    if (!('lastOf' in query)) {
      const { fromSequence, filter = '>' } = query;
      return this.#get(stream, { seq: Math.max(1, fromSequence), next_by_subj: names.pattern(filter) });
    }
    const last = await this.#get(stream, { last_by_subj: names.published(query.lastOf) });
    return last ?? this.#findLast(stream, query.lastOf);
  }

  async subjects(stream: string, pattern: string): Promise<string[]> {
    const { names } = this.#jetStream;
    const found = new Set<string>();
    for (let offset = 0; ; ) {
      const { total = 0, state } = await this.#info(stream, { subjects_filter: names.pattern(pattern), offset });
      const page = Object.keys(state.subjects ?? {});
      for (const subject of page) found.add(names.unwired(subject));
      offset += page.length;
      if (page.length === 0 || offset >= total) return [...found];
    }
  }

  async purge(stream: string, what: { readonly sequence: number } | { readonly filter: string }): Promise<number> {
    if ('sequence' in what) {
      // Servers of a cluster give no answer at all to who deletes beyond the last message.
      const { sequence } = what;
      return (await this.#get(stream, { seq: sequence })) === undefined ? 0 : this.#delete(stream, sequence);
    }
    const { state } = await this.#info(stream);
    // A purge of some subjects makes servers of 2.9 forget, in all consumers of the stream, what was not handed out yet.
    if (state.consumer_count > 0) return this.#deleteAll(stream, what.filter);
    const { names } = this.#jetStream;
    const answer = await this.#jetStream.call<{ purged: number }>(`STREAM.PURGE.${names.of(stream)}`, {
      filter: names.pattern(what.filter),
    });
    this.#check(answer, stream, 'to purge');
    return answer.purged ?? 0;
  }

  expect(plan: StorePlan): Promise<Expectation> {
    return new Expecting(this.#jetStream, plan).start();
  }

  async #get(stream: string, request: object): Promise<StoredMessage | undefined> {
    const { names } = this.#jetStream;
    const answer = await this.#jetStream.call<{ message: StoredJson }>(`STREAM.MSG.GET.${names.of(stream)}`, request);
    if (answer.error?.err_code === ERR.noMessage) return undefined;
    this.#check(answer, stream, 'a message of');
    return storedMessage(answer.message as StoredJson, stream, names);
  }

  /** Servers of 2.9 find no last message of a subject any more once the last one was deleted by its number. */
  async #findLast(stream: string, subject: string): Promise<StoredMessage | undefined> {
    const wire = this.#jetStream.names.published(subject);
    const { state } = await this.#info(stream, { subjects_filter: wire });
    let last: StoredMessage | undefined;
    for (let left = state.subjects?.[wire] ?? 0; left > 0; left -= 1) {
      const next = await this.#get(stream, { seq: (last?.sequence ?? 0) + 1, next_by_subj: wire });
      if (next === undefined) break;
      last = next;
    }
    return last;
  }

  async #deleteAll(stream: string, filter: string): Promise<number> {
    let count = 0;
    for (let fromSequence = 1; ; ) {
      const message = await this.read(stream, { fromSequence, filter });
      if (message === undefined) return count;
      count += await this.#delete(stream, message.sequence);
      fromSequence = message.sequence + 1;
    }
  }

  async #delete(stream: string, sequence: number): Promise<number> {
    const { names } = this.#jetStream;
    const answer = await this.#jetStream.call(`STREAM.MSG.DELETE.${names.of(stream)}`, { seq: sequence });
    if (answer.error && isGone(answer.error)) return 0;
    this.#check(answer, stream, 'to delete a message of');
    return 1;
  }

  async #info(stream: string, request: object = {}): Promise<StreamInfo> {
    const operation = `STREAM.INFO.${this.#jetStream.names.of(stream)}`;
    const answer = await this.#jetStream.call<StreamInfo>(operation, request);
    this.#check(answer, stream, 'the state of');
    return answer as StreamInfo;
  }

  #check({ error }: { readonly error?: Parameters<typeof refusedByApi>[0] }, stream: string, what: string): void {
    if (!error) return;
    throw isMissing(error) ? streamMissing(stream) : refusedByApi(error, `${what} ${streamCalled(stream)}`);
  }
}
