import type { Headers, Inbound, TransportEvent } from '@terabus/core/transport';
import { BusError, printable, topicFor, withoutNamespace } from '@terabus/core/transport';
import type { CheckedNatsOptions } from './options.js';
import type { RawMessage } from './raw-message.js';
import { type ReplyShape, refusedReply } from './reply-subjects.js';

/** Makes of what comes off the wire what the port promises; what can't be is counted and told. */
export class Inbounds {
  readonly #options: CheckedNatsOptions;
  readonly #emit: (event: TransportEvent) => void;
  readonly #refusedShapes = new Set<ReplyShape>();
  #badMessages = 0;

  constructor(options: CheckedNatsOptions, emit: (event: TransportEvent) => void) {
    this.#options = options;
    this.#emit = emit;
  }

  /**
   * Makes the messages of a subscription to a pattern: undefined for what is no message of a topic of this namespace.
   */
  of(pattern: string): (raw: RawMessage) => Inbound | undefined {
    // Of many messages in a row the subject is the same.
    let lastSubject = '';
    let lastTopic: string | undefined;
    return (raw) => {
      const { subject } = raw;
      try {
        if (subject !== lastSubject) {
          lastTopic = this.#topicOf(pattern, subject);
          lastSubject = subject;
        }
        if (lastTopic === undefined) return undefined;
        return new NatsInbound(lastTopic, raw, this.#replyTo(raw.replyTo, lastTopic));
      } catch (error) {
        this.#bad(BusError.from(error));
        return undefined;
      }
    };
  }

  #topicOf(pattern: string, wire: string): string | undefined {
    const subject = withoutNamespace(wire, this.#options.namespace);
    // `>` also sees other namespaces.
    return subject === undefined ? undefined : topicFor(pattern, subject);
  }

  /** What a request to a topic ends with. */
  answer(raw: RawMessage, topic: string): Inbound | BusError {
    try {
      return raw.noResponders()
        ? new BusError(`nobody listens to ${printable(topic)}`, { reason: 'TERABUS_NO_RESPONDERS' })
        : new NatsInbound(topic, raw, undefined);
    } catch (thrown) {
      const error = BusError.from(thrown);
      this.#bad(error);
      return error;
    }
  }

  #replyTo(replyTo: string | undefined, topic: string): string | undefined {
    if (replyTo === undefined) return undefined;
    const shape = refusedReply(replyTo, this.#options.namespace, this.#options.replyTo);
    if (shape === undefined) return replyTo;
    if (!this.#refusedShapes.has(shape)) {
      this.#refusedShapes.add(shape);
      this.#emit({ kind: 'reply-refused', shape, topic });
    }
    return undefined;
  }

  #bad(error: BusError): void {
    this.#badMessages += 1;
    this.#emit({ kind: 'bad-message', error, count: this.#badMessages });
  }
}

/** A message in the chunk of the socket that it came in, until somebody asks for bytes of its own. */
class NatsInbound implements Inbound {
  readonly topic: string;
  readonly headers: Headers;
  readonly headersBytes: number;
  readonly replyTo: string | undefined;
  /** Until it is copied: what is kept must not keep the chunk. */
  #raw: RawMessage | undefined;
  #bytes: Uint8Array | undefined;

  constructor(topic: string, raw: RawMessage, replyTo: string | undefined) {
    this.topic = topic;
    this.headers = raw.headers();
    this.headersBytes = raw.headersBytes;
    this.replyTo = replyTo;
    this.#raw = raw;
  }

  get bytes(): Uint8Array {
    if (this.#raw !== undefined) {
      this.#bytes = this.#raw.bytes();
      this.#raw = undefined;
    }
    return this.#bytes as Uint8Array;
  }

  get view(): Uint8Array {
    return this.#raw?.view() ?? (this.#bytes as Uint8Array);
  }
}
