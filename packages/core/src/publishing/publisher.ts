import { BusError } from '@terabus/messages';
import type { Topic } from '../contract/contract.js';
import { streamOf } from '../durable/names.js';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import type { Sequencer } from '../sequencing/sequencer.js';
import { toSubject } from '../topics/escape.js';
import type { Clock } from '../transport/clock.js';
import { headersSize } from '../transport/headers.js';
import type { Stored } from '../transport/streams.js';
import { HANDED_OVER, type Transport } from '../transport/transport.js';
import type { Chain } from './chain.js';
import type { Declared } from './declared.js';
import { HEADER, outgoingHeaders } from './headers.js';
import type { NewId } from './ids.js';
import type { Interceptor, Outgoing, Send } from './interceptor.js';
import { intercept } from './interceptor.js';
import { Numbers } from './numbers.js';
import { checkOptions, checkTopicArgument, type PublishOptions } from './options.js';
import { type Packed, pack, seal } from './pack.js';
import { StoreLines } from './store-lines.js';

/** What a publisher is made of. */
export interface PublisherParts {
  /** The address of the service: the `source` of what it sends. */
  readonly service: string;
  readonly declared: Pick<Declared, 'checkTopic' | 'checkMethod'>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly sequencer: Sequencer;
  readonly interceptors: readonly Interceptor[];
  readonly newId: NewId;
  readonly emit: (event: BusEvent) => void;
  /** Logs what turned out unconfirmed. Undefined where there is no log: observers are told. */
  readonly reporter?: Reporter | undefined;
  /** From 0 up to 1, for the length of the waits between attempts to store. Defaults to `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** As elections of a stream's leader take 5 to 13 s. */
const DEFAULT_STORE_TIMEOUT_MS = 20_000;
const CONFIRMED = Object.freeze({ confirm: true });
const NO_OPTIONS: PublishOptions = Object.freeze({});

/** Puts messages into envelopes and hands them to the transport: the way out of a service. */
export class Publisher {
  readonly #parts: PublisherParts;
  /** Undefined where nobody is in between. */
  readonly #intercepted: Send | undefined;
  readonly #numbers: Numbers;
  readonly #lines: StoreLines;
  /** Set as soon as something is stored. */
  #unwatch: (() => void) | undefined;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    const { clock, transport } = parts;
    this.#numbers = new Numbers(parts);
    this.#lines = new StoreLines({ streams: () => transport.streams, clock, random: parts.random });
    void transport.closed.then(() => {
      this.#unwatch?.();
      this.#numbers.close();
      this.#lines.close();
    });
    if (parts.interceptors.length > 0) {
      this.#intercepted = intercept(parts.interceptors, (outgoing) =>
        this.#hand(outgoing as PublishedOutgoing, outgoing.headers.get(HEADER.messageId) ?? '', clock.now()),
      );
    }
  }

  /**
   * One envelope with these messages (or this text, or these bytes). Resolves with where it is stored, if it is. Every
   * error is a rejection.
   */
  publish(
    kind: 'publish' | 'send',
    topic: Topic,
    messages: readonly unknown[],
    chain: Chain,
    options: PublishOptions | undefined,
  ): Promise<Stored | undefined> {
    const publishing = this.#begin(kind, topic, messages, chain, options);
    chain.started?.(publishing);
    return publishing;
  }

  // Without `async`, here and below: most messages are handed over at once, and a promise for each step would be most of
  // what that costs.
  #begin(
    kind: 'publish' | 'send',
    topic: Topic,
    messages: readonly unknown[],
    chain: Chain,
    options: PublishOptions | undefined,
  ): Promise<Stored | undefined> {
    try {
      const { declared, service, newId } = this.#parts;
      checkTopicArgument(topic, kind);
      const { definition } = topic;
      declared.checkTopic(definition, kind === 'send' ? 'sends to' : 'publishes to');
      if (options !== undefined) checkOptions(options, topic, kind);
      // An envelope without content would tell its readers nothing.
      if (Array.isArray(messages) && messages.length === 0) return HANDED;
      const now = this.#parts.clock.now();
      const messageId = options?.messageId ?? (definition.durable && chain.nextMessageId?.()) ?? newId(now);
      const headers = outgoingHeaders(messageId, chain, options?.headers);
      const { confirm = false, timeoutMs, ordered = false } = options ?? NO_OPTIONS;
      const outgoing = { kind, service, topic, messages, headers, confirm, timeoutMs, ordered };
      return this.#intercepted === undefined ? this.#hand(outgoing, messageId, now) : this.#sendIntercepted(outgoing);
    } catch (error) {
      return Promise.reject(BusError.from(error));
    }
  }

  async #sendIntercepted(outgoing: PublishedOutgoing): Promise<Stored | undefined> {
    try {
      return (await this.#intercepted?.(outgoing)) as Stored | undefined;
    } catch (error) {
      throw BusError.from(error);
    }
  }

  /** Resolves as soon as nothing is being stored. Never rejects. */
  stored(): Promise<void> {
    return this.#lines.settled();
  }

  /** Tells the receivers of tracked messages the last numbers: nothing more is sent. Never rejects. */
  end(): Promise<void> {
    return this.#numbers.end();
  }

  /** `now` is the time that its envelope says, in milliseconds since the Unix epoch: the clock is looked at once. */
  #hand(outgoing: PublishedOutgoing, messageId: string, now: number): Promise<Stored | undefined> {
    let handing: Promise<Stored | undefined>;
    try {
      handing =
        outgoing.topic.definition.durable === undefined
          ? this.#handOver(outgoing, messageId, now)
          : this.#store(outgoing, messageId, now);
    } catch (error) {
      return Promise.reject(BusError.from(error));
    }
    if (handing !== HANDED) return this.#whenHanded(handing, outgoing, messageId);
    this.#published(outgoing, undefined);
    return HANDED;
  }

  async #whenHanded(
    handing: Promise<Stored | undefined>,
    outgoing: PublishedOutgoing,
    messageId: string,
  ): Promise<Stored | undefined> {
    try {
      const stored = await handing;
      this.#published(outgoing, stored);
      return stored;
    } catch (thrown) {
      const error = BusError.from(thrown);
      // Whoever waited for it is told by this rejection: no line of log beside it.
      if (IN_DOUBT.has(error.reason)) {
        const { emit, service } = this.#parts;
        emit({ kind: 'unconfirmed', service, topic: outgoing.topic.name, messageId, error });
      }
      throw error;
    }
  }

  #published({ topic, messages }: PublishedOutgoing, stored: Stored | undefined): void {
    const { emit, service } = this.#parts;
    const { wrapper } = topic.definition;
    if (stored === undefined) emit({ kind: 'published', service, wrapper, topic: topic.name, messages });
    else emit({ kind: 'published', service, wrapper, topic: topic.name, messages, stored });
  }

  #handOver(outgoing: PublishedOutgoing, messageId: string, now: number): Promise<undefined> {
    const { topic, messages } = outgoing;
    const refused = this.#parts.transport.refused();
    if (refused) return refused;
    if (topic.definition.tracked) return this.#sendTracked(outgoing, messageId, now);
    return this.#publish(outgoing, this.#seal(topic, pack(topic, messages), now), (error) =>
      this.#unconfirmed(topic, messageId, error),
    );
  }

  /** Nothing is awaited before it is in its line: what is published one after the other is to be stored so. */
  async #store(outgoing: PublishedOutgoing, messageId: string, now: number): Promise<Stored> {
    const { topic, messages, headers } = outgoing;
    const packed = pack(topic, messages);
    if (!topic.definition.tracked) return this.#intoLine(outgoing, messageId, this.#seal(topic, packed, now));
    const stamp = this.#numbers.stamp(topic.name, headers);
    return this.#numbers.store(stamp, () =>
      this.#intoLine(outgoing, messageId, this.#seal(topic, packed, now, stamp.seq)),
    );
  }

  #intoLine(outgoing: PublishedOutgoing, messageId: string, bytes: Uint8Array): Promise<Stored> {
    const { topic, headers, ordered = false, timeoutMs = DEFAULT_STORE_TIMEOUT_MS } = outgoing;
    const stream = streamOf(topic.definition);
    this.#unwatch ??= this.#parts.transport.watch(({ kind }) => {
      if (kind === 'reconnected') this.#lines.wake();
    });
    return this.#lines.store({
      topic: topic.name,
      message: { subject: toSubject(topic.name), bytes, headers, stream, messageId },
      size: bytes.length + headersSize(headers),
      timeoutMs,
      deadline: this.#parts.clock.elapsed() + timeoutMs,
      ordered,
    });
  }

  #sendTracked(outgoing: PublishedOutgoing, messageId: string, now: number): Promise<undefined> {
    const { topic, messages, headers } = outgoing;
    const packed = pack(topic, messages);
    const stamp = this.#numbers.stamp(topic.name, headers);
    return this.#numbers.hand(stamp, (unconfirmed) =>
      this.#publish(outgoing, this.#seal(topic, packed, now, stamp.seq), (error) => {
        unconfirmed();
        this.#unconfirmed(topic, messageId, error);
      }),
    );
  }

  #publish(
    { topic, headers, confirm }: PublishedOutgoing,
    bytes: Uint8Array,
    onUnconfirmed: (error: BusError) => void,
  ): Promise<undefined> {
    const message = { topic: topic.name, bytes, headers, onUnconfirmed };
    return this.#parts.transport.publish(message, confirm ? CONFIRMED : undefined) as Promise<undefined>;
  }

  #unconfirmed({ name }: Topic, messageId: string, error: BusError): void {
    const { service, emit, reporter } = this.#parts;
    emit({ kind: 'unconfirmed', service, topic: name, messageId, error });
    reporter?.report(service, error, { topic: name, messageId });
  }

  #seal(topic: Topic, packed: Packed, now: number, seq = 0): Uint8Array {
    return seal(topic, packed, { source: this.#parts.service, time: now / 1_000, seq });
  }
}

/** Of what is not stored: there is no receipt. */
const HANDED = HANDED_OVER as Promise<undefined>;

/** Nobody knows whether it arrived, or is stored. */
const IN_DOUBT: ReadonlySet<string | undefined> = new Set(['TERABUS_UNCONFIRMED', 'TERABUS_STORE_UNKNOWN']);

type PublishedOutgoing = Exclude<Outgoing, { readonly kind: 'call' }>;
