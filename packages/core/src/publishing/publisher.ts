import { BusError, encodeModuleMessage, encodeTeraEvent } from '@terabus/messages';
import { show } from '../contract/check.js';
import type { Topic } from '../contract/contract.js';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import { formatAbandoned } from '../sequencing/abandoned.js';
import { Heartbeats } from '../sequencing/heartbeat.js';
import type { Sequencer, SequenceStamp } from '../sequencing/sequencer.js';
import { heartbeatOf } from '../topics/heartbeat.js';
import { printable } from '../topics/printable.js';
import type { Clock } from '../transport/clock.js';
import type { Transport } from '../transport/transport.js';
import type { Chain } from './chain.js';
import type { Declared } from './declared.js';
import { HEADER, outgoingHeaders } from './headers.js';
import type { Interceptor, Outgoing, Send } from './interceptor.js';
import { intercept } from './interceptor.js';
import { bytesOf, onlyOf, packAll, textOf } from './pack.js';

/** Options of one `publish`, `publishAll` or `send`. */
export interface PublishOptions {
  /** More headers. Names may not start with `Nats-` or `Terabus-`. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Resolve when the server has the message, one round trip later, instead of when it was handed to the connection.
   * It then rejects with `TERABUS_UNCONFIRMED` when the link is lost in between and nobody knows. That somebody
   * reads the message is not confirmed. Defaults to false.
   */
  readonly confirm?: boolean | undefined;
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
  /** Logs what turned out unconfirmed. Undefined where there is no log: observers are told. */
  readonly reporter?: Reporter | undefined;
}

const utf8 = new TextEncoder();
const CONFIRMED = Object.freeze({ confirm: true });

/** Puts messages into envelopes and hands them to the transport: the way out of a service. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #send: Send;
  readonly #heartbeats: Heartbeats;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
    const { clock, sequencer, transport } = parts;
    this.#heartbeats = new Heartbeats({ clock, sequencer, publish: (stamp) => this.#beat(stamp) });
    void transport.closed.then(() => this.#heartbeats.cancel());
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
      await this.#send({ kind, service, topic, messages, headers, confirm: options?.confirm === true });
    } catch (error) {
      throw BusError.from(error);
    }
  }

  /** Tells the receivers of tracked messages the last numbers: nothing more is sent. Never rejects. */
  end(): Promise<void> {
    return this.#heartbeats.end();
  }

  async #hand(outgoing: PublishedOutgoing): Promise<void> {
    const { emit, service, transport } = this.#parts;
    const { topic, messages, headers } = outgoing;
    const messageId = headers.get(HEADER.messageId) ?? '';
    const refused = transport.refused();
    if (refused) await refused;
    try {
      if (topic.definition.tracked) await this.#sendTracked(outgoing, messageId);
      else
        await this.#publish(outgoing, this.#encode(topic, messages, 0), (error) =>
          this.#unconfirmed(topic, messageId, error),
        );
    } catch (error) {
      // Whoever waited for it is told by this rejection: no line of log beside it.
      if (BusError.is(error) && error.reason === 'TERABUS_UNCONFIRMED') {
        emit({ kind: 'unconfirmed', service, topic: topic.name, messageId, error });
      }
      throw error;
    }
    emit({ kind: 'published', service, wrapper: topic.definition.wrapper, topic: topic.name, messages });
  }

  /** A number is never used twice: that of a message which was not handed over is named by the next one. */
  async #sendTracked(outgoing: PublishedOutgoing, messageId: string): Promise<void> {
    const { sequencer } = this.#parts;
    const { topic, messages, headers } = outgoing;
    // What can't be encoded must not cost a number.
    const events = packAll(topic, messages);
    const stamp = sequencer.next(topic.name);
    headers.set(HEADER.epoch, stamp.epoch);
    const abandoned = formatAbandoned(stamp.abandoned);
    if (abandoned !== undefined) headers.set(HEADER.abandoned, abandoned);
    let unconfirmed = false;
    this.#heartbeats.began(topic.name);
    try {
      await this.#publish(outgoing, this.#moduleMessage(topic, events, stamp.seq), (error) => {
        unconfirmed = true;
        sequencer.abandon(stamp);
        this.#heartbeats.again(topic.name);
        this.#unconfirmed(topic, messageId, error);
      });
      // It may be told before this goes on.
      if (!unconfirmed) sequencer.sent(stamp);
    } catch (error) {
      sequencer.abandon(stamp);
      throw error;
    } finally {
      this.#heartbeats.settled(topic.name);
    }
  }

  #publish(
    { topic, headers, confirm }: PublishedOutgoing,
    bytes: Uint8Array,
    onUnconfirmed: (error: BusError) => void,
  ): Promise<void> {
    const message = { topic: topic.name, bytes, headers, onUnconfirmed };
    return this.#parts.transport.publish(message, confirm ? CONFIRMED : undefined);
  }

  #unconfirmed({ name }: Topic, messageId: string, error: BusError): void {
    const { service, emit, reporter } = this.#parts;
    emit({ kind: 'unconfirmed', service, topic: name, messageId, error });
    reporter?.report(service, error, { topic: name, messageId });
  }

  /** Beside interceptors and observers: nobody's message. */
  async #beat({ destination, epoch, seq, abandoned }: SequenceStamp): Promise<void> {
    const { transport, service } = this.#parts;
    const headers = new Map<string, string>([[HEADER.epoch, epoch]]);
    const named = formatAbandoned(abandoned);
    if (named !== undefined) headers.set(HEADER.abandoned, named);
    const bytes = encodeModuleMessage({
      time: this.#epochSeconds(),
      seq,
      source: service,
      dest: destination,
      data: [],
    });
    await transport.publish({ topic: heartbeatOf(destination), bytes, headers });
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

/** The compiler finds a misspelt option only where it is written out; it must not be left out without a word. */
function checkOptions(options: PublishOptions, topic: Topic, kind: 'publish' | 'send'): void {
  const unknown = Object.keys(options).find((name) => name !== 'headers' && name !== 'confirm');
  const problem =
    unknown !== undefined
      ? `got the unknown option ${printable(unknown)}: there are 'headers' and 'confirm'`
      : options.confirm !== undefined && typeof options.confirm !== 'boolean'
        ? `takes true or false for 'confirm', not ${show(options.confirm)}`
        : undefined;
  if (problem === undefined) return;
  throw new BusError(`${kind} to '${topic.name}' ${problem}`, { reason: 'TERABUS_OPTIONS_INVALID' });
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
