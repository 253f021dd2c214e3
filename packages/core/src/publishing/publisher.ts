import type { Message } from '@terabus/messages';
import { BusError, encodeModuleMessage, encodeTeraEvent, packAny } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Topic } from '../contract/contract.js';
import type { BusEvent } from '../observe/observer.js';
import { formatAbandoned } from '../sequencing/abandoned.js';
import type { Sequencer } from '../sequencing/sequencer.js';
import { printable } from '../topics/printable.js';
import type { Clock } from '../transport/clock.js';
import type { Transport } from '../transport/transport.js';
import type { Chain } from './chain.js';
import type { Declared } from './declared.js';
import { HEADER, outgoingHeaders } from './headers.js';
import type { Interceptor, Outgoing, Send } from './interceptor.js';
import { intercept } from './interceptor.js';

/** Options of one `publish`, `publishAll` or `send`. */
export interface PublishOptions {
  /** More headers. Names may not start with `Nats-` or `Terabus-`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a publisher is made of. */
export interface PublisherParts {
  /** The address of the service: the `source` of what it sends. */
  readonly service: string;
  readonly declared: Pick<Declared, 'checkTopic' | 'checkMethod'>;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly sequencer: Sequencer;
  readonly interceptors: readonly Interceptor[];
  readonly newId: () => string;
  readonly emit: (event: BusEvent) => void;
}

const utf8 = new TextEncoder();

/** Puts messages into envelopes and hands them to the transport: the way out of a service. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #send: Send;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    this.#send = intercept(parts.interceptors, (outgoing) => this.#hand(outgoing as PublishedOutgoing));
  }

  /** One envelope with these messages (or this text, or these bytes). Every error is a rejection. */
  async publish(
    kind: 'publish' | 'send',
    topic: Topic,
    messages: readonly unknown[],
    chain: Chain,
    options: PublishOptions | undefined,
  ): Promise<void> {
    const { declared, service, newId } = this.#parts;
    checkTopicArgument(topic, kind);
    declared.checkTopic(topic.definition, kind === 'send' ? 'sends to' : 'publishes to');
    if (options !== undefined) checkOptions(options, topic, kind);
    // An envelope without content would tell its readers nothing.
    if (Array.isArray(messages) && messages.length === 0) return;
    try {
      const headers = outgoingHeaders(newId(), chain, options?.headers);
      await this.#send({ kind, service, topic, messages, headers });
    } catch (error) {
      throw BusError.from(error);
    }
  }

  async #hand({ topic, messages, headers }: PublishedOutgoing): Promise<void> {
    const { transport, emit, service } = this.#parts;
    if (topic.definition.tracked) await this.#sendTracked(topic, messages, headers);
    else await transport.publish({ topic: topic.name, bytes: this.#encode(topic, messages, 0), headers });
    emit({ kind: 'published', service, wrapper: topic.definition.wrapper, topic: topic.name, messages });
  }

  /** A number is never used twice: that of a message which was not handed over is named by the next one. */
  async #sendTracked(topic: Topic, messages: readonly unknown[], headers: Map<string, string>): Promise<void> {
    const { sequencer, transport } = this.#parts;
    // What can't be encoded must not cost a number.
    const events = packAll(topic, messages);
    const stamp = sequencer.next(topic.name);
    headers.set(HEADER.epoch, stamp.epoch);
    const abandoned = formatAbandoned(stamp.abandoned);
    if (abandoned !== undefined) headers.set(HEADER.abandoned, abandoned);
    try {
      await transport.publish({ topic: topic.name, bytes: this.#moduleMessage(topic, events, stamp.seq), headers });
    } catch (error) {
      sequencer.abandon(stamp);
      throw error;
    }
    sequencer.sent(stamp);
  }

  #encode(topic: Topic, messages: readonly unknown[], seq: number): Uint8Array {
    switch (topic.definition.wrapper) {
      case 'event':
        return encodeTeraEvent({ topic: topic.name, time: this.#epochSeconds(), events: packAll(topic, messages) });
      case 'module-message':
        return this.#moduleMessage(topic, packAll(topic, messages), seq);
      case 'text':
        return utf8.encode(textOf(topic, onlyOf(topic, messages)));
      case 'bytes':
        return bytesOf(topic, onlyOf(topic, messages));
    }
  }

  #moduleMessage(topic: Topic, data: ReturnType<typeof packAll>, seq: number): Uint8Array {
    return encodeModuleMessage({
      time: this.#epochSeconds(),
      seq,
      source: this.#parts.service,
      dest: topic.name,
      data,
    });
  }

  #epochSeconds(): number {
    return this.#parts.clock.now() / 1_000;
  }
}

type PublishedOutgoing = Exclude<Outgoing, { readonly kind: 'call' }>;

const packAll = (topic: Topic, messages: readonly unknown[]) =>
  messages.map((message) => {
    const type = topic.definition.types.get((message as Message)?.$type);
    if (type === undefined) {
      throw new BusError(
        `'${topic.name}' carries ${[...topic.definition.types.keys()].join(', ')}, not ${show((message as Message)?.$type ?? message)}`,
        { reason: 'TERABUS_TYPE_NOT_CARRIED' },
      );
    }
    return packAny(type, message as Message);
  });

/** Text and bytes have no envelope that could hold several. */
function onlyOf(topic: Topic, messages: readonly unknown[]): unknown {
  if (messages.length === 1) return messages[0];
  throw new BusError(`'${topic.name}' carries one text or one piece of bytes at a time, not ${messages.length}`, {
    reason: 'TERABUS_TYPE_NOT_CARRIED',
  });
}

function textOf(topic: Topic, value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  throw new BusError(`'${topic.name}' carries text, not ${show(value)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
}

function bytesOf(topic: Topic, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new BusError(`'${topic.name}' carries bytes, not ${show(value)}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
}

/** The compiler finds a misspelt option only where it is written out; it must not be left out without a word. */
function checkOptions(options: PublishOptions, topic: Topic, kind: 'publish' | 'send'): void {
  const unknown = Object.keys(options).find((name) => name !== 'headers');
  if (unknown === undefined) return;
  throw new BusError(`${kind} to '${topic.name}' got the unknown option ${printable(unknown)}: there is 'headers'`, {
    reason: 'TERABUS_OPTIONS_INVALID',
  });
}

/** For JavaScript, and for types that were cast away: the compiler lets only the right ones through. */
function checkTopicArgument(topic: Topic, kind: 'publish' | 'send'): void {
  const carriesModuleMessages = topic?.definition?.wrapper === 'module-message';
  if (topic?.kind === 'topic' && carriesModuleMessages === (kind === 'send')) return;
  const takes = kind === 'send' ? 'a mailbox (a topic of module messages)' : 'a topic of events, text or bytes';
  throw new BusError(
    `${kind} takes ${takes}, not ${topic?.kind === 'topic' ? `'${topic.name}'` : show(topic?.kind ?? topic)}`,
    {
      reason: 'TERABUS_TOPIC_INVALID',
    },
  );
}
