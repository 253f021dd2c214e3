import { BusError } from '@terabus/messages';
import { toName } from '../../topics/name.js';
import { checkedStoreSubject, checkedSubject } from '../../topics/namespace.js';
import { topicFor } from '../../topics/own.js';
import { printable } from '../../topics/printable.js';
import type { Clock } from '../clock.js';
import { checkHeaders, headersSize } from '../headers.js';
import type { StreamPlan } from '../store-plan.js';
import type { Stored, StoreMessage } from '../streams.js';
import type { Headers, Inbound, Outbound } from '../transport.js';
import { DeliveryQueue } from './delivery-queue.js';
import { MemoryStore } from './store.js';
import type { Arrival, MemoryStream, Row } from './stream.js';
import type { Interest } from './subscriptions.js';
import { Subscriptions } from './subscriptions.js';

/** A message on its way through a {@link MemoryBroker}. */
export interface Crossing {
  readonly kind: 'publish' | 'request' | 'answer';
  /** The name of the connection that sent it. */
  readonly from: string;
  /** Where it was sent to. For an answer that is `replyTo`, which is no topic. */
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  /** The same on a request and on its answers. */
  readonly replyTo?: string | undefined;
  /** When it was sent, in milliseconds since the Unix epoch, by the broker's clock. */
  readonly time: number;
  /** How many subscriptions get it; of an answer 0 when nobody waits for it any more. */
  readonly receivers: number;
}

/** A subscription as the exchange sees it. */
export interface Subscriber extends Interest {
  /** Gives what takes one message, as of now: not if the link of the subscriber is lost before it is handed over. */
  taker(): (message: Inbound) => void;
}

/** Something that a connection sent, and that was not handed over yet. */
export interface Transit {
  readonly bytes: number;
  /** Its link was lost: whoever did not get it yet does not. */
  lost: boolean;
}

/** Takes the `n`th answer of one connection; says whether somebody waits for it. */
export type Inbox = (n: number, answer: Inbound, transit: Transit) => boolean;

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly maxPayloadBytes: number;
  readonly seed: number;
  readonly onError: (error: unknown) => void;
}

const REPLY_TO = /^(_REPLY\.[A-Za-z0-9_-]+\.[A-Za-z0-9]+)\.(\d+)$/;

/** What the connections of a {@link MemoryBroker} share: the part of a server. */
export class Exchange {
  readonly maxPayloadBytes: number;
  readonly queue: DeliveryQueue;
  readonly subscriptions: Subscriptions<Subscriber>;
  readonly inboxes = new Map<string, Inbox>();
  /** What is stored on the server. */
  readonly store: MemoryStore;
  readonly observers = new Set<(crossing: Crossing) => void>();
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;

  constructor({ clock, maxPayloadBytes, seed, onError }: ExchangeOptions) {
    this.maxPayloadBytes = maxPayloadBytes;
    this.queue = new DeliveryQueue(onError);
    this.subscriptions = new Subscriptions(seed);
    this.store = new MemoryStore(clock, (row, stream, previous) => this.#republish(row, stream, previous));
    this.#clock = clock;
    this.#onError = onError;
  }

  /**
   * Queues a message for all who get it, and says how many these are. Throws before anything is queued.
   *
   * @param begin called once, when nothing is wrong with the message
   */
  carry(from: string, message: Outbound, begin: (bytes: number) => Transit, replyTo?: string): number {
    const subject = checkedSubject(message.topic);
    const transit = begin(this.#check(message));
    const receivers = this.#hand(subject, message, transit, replyTo);
    const stream = this.store.streamAt(subject);
    if (stream) this.#capture(stream, { subject, ...copy(message) }, transit, replyTo);
    this.#show(replyTo === undefined ? 'publish' : 'request', from, message, replyTo, receivers);
    return stream ? receivers + 1 : receivers;
  }

  /**
   * Stores a message, and queues it for subscriptions.
   *
   * @throws BusError as `Streams.store` says
   */
  put(from: string, { subject, bytes, headers, stream, messageId }: StoreMessage): Stored {
    checkedStoreSubject(subject);
    if (!/^[!-~](?:[ -~]*[!-~])?$/.test(messageId)) {
      throw new BusError('a message id is one line of printable ASCII', { reason: 'TERABUS_HEADER_INVALID' });
    }
    for (const name of headers?.keys() ?? []) {
      if (!/^nats-/i.test(name)) continue;
      throw new BusError(`the header ${name} is the transport's own`, { reason: 'TERABUS_HEADER_INVALID' });
    }
    const topic = topicFor('>', subject);
    const all = new Map(headers).set('Nats-Msg-Id', messageId);
    const message: Outbound = { topic: topic ?? subject, bytes, headers: all };
    this.#check(message);
    if (topic !== undefined) {
      const receivers = this.#hand(subject, message, { bytes: 0, lost: false });
      this.#show('publish', from, { ...message, headers }, undefined, receivers);
    }
    return this.store.store({ subject, bytes: new Uint8Array(bytes), headers: all }, stream, messageId);
  }

  /** Queues a message for all subscriptions that get it, and says how many these are. */
  #hand(subject: string, message: Outbound, transit: Transit, replyTo?: string): number {
    const receivers = this.subscriptions.receiversOf(subject);
    for (const receiver of receivers) {
      const inbound = copy(message, replyTo);
      const take = receiver.taker();
      this.queue.push(() => {
        if (!transit.lost) take(inbound);
      });
    }
    return receivers.length;
  }

  /** What is published where a stream is gets stored; who asked for an answer gets the stream's acknowledgement. */
  #capture(stream: MemoryStream, arrival: Arrival, transit: Transit, replyTo: string | undefined): void {
    this.queue.push(() => {
      if (transit.lost) return;
      const acknowledgement = storedOrRefused(stream, arrival);
      const [, inboxName = '', n] = REPLY_TO.exec(replyTo ?? '') ?? [];
      const bytes = Buffer.from(JSON.stringify(acknowledgement));
      this.inboxes.get(inboxName)?.(Number(n), copy({ topic: '', bytes }), { bytes: bytes.length, lost: false });
    });
  }

  #republish({ subject, bytes, headers, sequence }: Row, { name, republishTo }: StreamPlan, previous: number): void {
    if (republishTo === undefined) return;
    const all = new Map(headers)
      .set('Nats-Stream', toName(name))
      .set('Nats-Subject', subject)
      .set('Nats-Sequence', `${sequence}`)
      .set('Nats-Last-Sequence', `${previous}`);
    const copied = { topic: topicFor('>', subject) ?? subject, bytes, headers: all };
    this.#hand(`${republishTo}.${subject}`, copied, { bytes: 0, lost: false });
  }

  /** Queues an answer for whoever waits for it; nobody may. Throws before anything is queued. */
  answer(
    from: string,
    {
      replyTo,
      bytes,
      headers,
    }: { readonly replyTo: string; readonly bytes: Uint8Array; readonly headers?: Headers | undefined },
    begin: (bytes: number) => Transit,
  ): void {
    const [, inboxName, n] = REPLY_TO.exec(replyTo) ?? [];
    if (inboxName === undefined) {
      throw new BusError(`${printable(replyTo)} is no place to send answers to`, {
        reason: 'TERABUS_REPLY_REFUSED',
      });
    }
    const answer: Outbound = { topic: replyTo, bytes, headers };
    const transit = begin(this.#check(answer));
    const received = this.inboxes.get(inboxName)?.(Number(n), copy(answer), transit) ?? false;
    this.#show('answer', from, answer, replyTo, received ? 1 : 0);
  }

  /** How large it is, in bytes. */
  #check({ topic, bytes, headers }: Outbound): number {
    checkHeaders(headers);
    const size = headersSize(headers) + bytes.length;
    if (size > this.maxPayloadBytes) {
      throw new BusError(
        `the message for ${printable(topic)} has ${size} bytes with its headers, more than ${this.maxPayloadBytes}`,
        { reason: 'TERABUS_PAYLOAD_TOO_LARGE', details: { topic, size, maxPayloadBytes: this.maxPayloadBytes } },
      );
    }
    return size;
  }

  #show(kind: Crossing['kind'], from: string, message: Outbound, replyTo: string | undefined, receivers: number): void {
    for (const observe of this.observers) {
      try {
        observe({ ...copy(message, replyTo), kind, from, time: this.#clock.now(), receivers });
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}

/** As JetStream acknowledges what somebody published as a request. */
function storedOrRefused(stream: MemoryStream, arrival: Arrival): unknown {
  try {
    const { sequence } = stream.store(arrival);
    return { stream: toName(stream.plan.name), seq: sequence };
  } catch (error) {
    return { error: { code: 400, description: BusError.from(error).rawMessage }, seq: 0 };
  }
}

/** As a wire would: neither the sender nor another receiver can change what arrives. */
function copy({ topic, bytes, headers }: Outbound, replyTo?: string): Inbound {
  // Not slice(): a Buffer's slice shares its memory.
  return { topic, bytes: new Uint8Array(bytes), headers: new Map(headers), replyTo };
}
