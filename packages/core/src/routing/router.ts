import type { Any, MessageType } from '@terabus/messages';
import { anyTypeName, BusError } from '@terabus/messages';
import type { DeliveryOptions, TopicDefinition } from '../contract/contract.js';
import { WHOLE_PAYLOAD } from '../contract/contract-of.js';
import { heldSentence } from '../instances/gate.js';
import type { Next } from '../middleware/middleware.js';
import type { BusEvent } from '../observe/observer.js';
import type { Reporter } from '../observe/reporter.js';
import { beatenFor, isHeartbeat } from '../topics/heartbeat.js';
import { parseTemplate, type TopicTemplate } from '../topics/template.js';
import type { Clock } from '../transport/clock.js';
import { headersSizeOf } from '../transport/headers.js';
import type { Inbound } from '../transport/transport.js';
import type { Arrival, HandlerPlace } from './context.js';
import { openEnvelope } from './decode.js';
import { DeliveryGroup } from './delivery-group.js';
import type { QueueLimit } from './limits.js';
import { DEFAULT_LIMITS, limitReached } from './limits.js';
import { MessageJob } from './message-job.js';
import { Sequence } from './sequence.js';
import type { StoredWork } from './stored-work.js';

/** After so many milliseconds a handler counts as failed, where nothing else was said. */
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_ABANDON_AFTER_MS = 30_000;
const DEFAULT_KEYED_CONCURRENCY = 64;

/** A handler as it runs per message: everything about it was decided at the start. */
export interface PreparedHandler {
  readonly place: HandlerPlace;
  /** Undefined for text and bytes. */
  readonly type: MessageType | undefined;
  /** The middlewares around the method. */
  readonly run: Next;
}

/** What a router is made of. */
export interface RouterParts {
  /** The address of the service. */
  readonly service: string;
  readonly definition: TopicDefinition;
  readonly options: DeliveryOptions;
  readonly clock: Clock;
  readonly reporter: Reporter;
  readonly emit: (event: BusEvent) => void;
  /** The same for what nobody counts. Undefined where nobody watches: then it costs nothing. */
  readonly watch: ((event: BusEvent) => void) | undefined;
}

/**
 * One delivery group at work: opens what arrives, chooses the handler of each message by the type in its `Any`, and
 * queues it. Handlers may come and go with subscriptions.
 */
export class Router {
  readonly queue: DeliveryGroup;
  /** By the full name of the type, or {@link WHOLE_PAYLOAD}. */
  readonly handlers = new Map<string, PreparedHandler>();
  readonly parts: RouterParts;
  readonly timeoutMs: number;
  readonly #sequence: Sequence;
  readonly #keyOf: DeliveryOptions['key'];
  readonly #template: TopicTemplate;
  #lastUrl: string | undefined;
  #lastName = '';

  constructor(parts: RouterParts) {
    this.parts = parts;
    const { key, concurrency, timeoutMs, abandonAfterMs, maxQueued, maxQueuedBytes } = parts.options;
    this.#keyOf = key;
    this.#template = parseTemplate(parts.definition.template);
    this.timeoutMs = timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#sequence = new Sequence(parts);
    this.queue = new DeliveryGroup({
      clock: parts.clock,
      concurrency: concurrency ?? (key === undefined ? 1 : DEFAULT_KEYED_CONCURRENCY),
      keyed: key !== undefined,
      abandonAfterMs: abandonAfterMs ?? DEFAULT_ABANDON_AFTER_MS,
      limits: {
        maxQueued: maxQueued ?? DEFAULT_LIMITS.maxQueued,
        maxQueuedBytes: maxQueuedBytes ?? DEFAULT_LIMITS.maxQueuedBytes,
      },
    });
  }

  /**
   * Takes what the transport delivers. Never throws. What there is no room for is dropped unread: a flood costs next
   * to nothing, and the tracker has not seen it, so that it is part of the gap at the next message that is taken.
   */
  readonly deliver = (inbound: Inbound, heldSince?: number): void => {
    // What was held has been taken in already.
    const full = heldSince === undefined ? this.queue.admit() : undefined;
    if (full !== undefined) {
      this.#drop(inbound.topic, full, `${limitReached(full, this.queue.limits)} wait for its handlers`);
      return;
    }
    const { wrapper } = this.parts.definition;
    // A family may be wide enough to match them.
    if (isHeartbeat(inbound.topic)) return;
    try {
      if (wrapper === 'event' || wrapper === 'module-message') this.#deliverEnvelope(wrapper, inbound);
      else this.#deliverPayload(wrapper, inbound);
    } catch (error) {
      this.#badMessage(inbound.topic, BusError.from(error));
    }
  };

  /** Takes a message out of a stream. Never throws; whatever becomes of it, `work` is told. */
  takeStored(inbound: Inbound, work: StoredWork): void {
    const { wrapper } = this.parts.definition;
    try {
      if (wrapper === 'event' || wrapper === 'module-message') this.#deliverEnvelope(wrapper, inbound, work);
      else this.#deliverPayload(wrapper, inbound, work);
    } catch (error) {
      work.bad(undefined, this.#badMessage(inbound.topic, BusError.from(error)), undefined, undefined);
    }
  }

  /** Drops what there was no room to hold. The tracker has not seen that either. */
  readonly overflow = ({ topic }: Inbound, why: QueueLimit): void => this.#drop(topic, why, heldSentence(why));

  /** Takes what senders of tracked messages say of their last numbers. Never throws. */
  readonly deliverHeartbeat = (inbound: Inbound): void => {
    const topic = beatenFor(inbound.topic);
    try {
      const { source, seq } = openEnvelope('module-message', inbound, topic);
      this.#sequence.beaten(inbound, topic, source, seq);
    } catch (error) {
      this.#badMessage(inbound.topic, BusError.from(error));
    }
  };

  /** Whether sequence numbers are judged: see {@link Sequence.judge}. */
  judge(on: boolean): void {
    this.#sequence.judge(on);
  }

  /** Resolves when what these handlers have been given so far has ended. */
  finished(handlers: ReadonlySet<PreparedHandler>): Promise<void> {
    return this.queue.finished((job) => handlers.has((job as MessageJob).handler));
  }

  #deliverEnvelope(wrapper: 'event' | 'module-message', inbound: Inbound, work?: StoredWork): void {
    const { time, contents, source, seq } = openEnvelope(wrapper, inbound);
    let verdict = work?.verdict;
    if (wrapper === 'module-message' && verdict === undefined) {
      const seen = this.#sequence.arrived(inbound, source, seq, work !== undefined);
      if (seen.isDropped) return;
      verdict = seen.verdict;
    }
    work?.opened(verdict);
    const arrival: Arrival = {
      kind: wrapper,
      topic: inbound.topic,
      arrivedAt: this.parts.clock.elapsed(),
      template: this.#template,
      headers: inbound.headers,
      time,
      source,
      seq,
      verdict,
    };
    const headersBytes = headersSizeOf(inbound);
    for (let index = 0; index < contents.length; index++) {
      if (work?.only !== undefined && work.only !== index) continue;
      const any = contents[index] as Any;
      this.#deliverContent(any, arrival, headersBytes + any.value.length, index, work);
    }
  }

  /** One bad content never touches its siblings. */
  #deliverContent(any: Any, arrival: Arrival, bytes: number, index: number, work: StoredWork | undefined): void {
    const name = this.#nameOf(any);
    const handler = this.handlers.get(name);
    if (handler?.type === undefined) {
      this.parts.emit({ kind: 'unhandled', service: this.parts.service, topic: arrival.topic, type: name });
      work?.unhandled(index);
      return;
    }
    try {
      // It was found by the name in the `Any`, which so is known to be that of the type.
      this.#enqueue(handler, name, handler.type.decode(any.value), arrival, bytes, index, work);
    } catch (error) {
      const named = this.#badMessage(arrival.topic, BusError.from(error), handler, name);
      work?.bad(index, named, handler.place.handler, name);
    }
  }

  /** The same text as of the message before, mostly: to look it up is then next to nothing. */
  #nameOf(any: Any): string {
    if (any.typeUrl !== this.#lastUrl) {
      const name = anyTypeName(any);
      // The very string of the type: to find it by another one is to compare their characters each time.
      this.#lastName = this.handlers.get(name)?.type?.$type ?? name;
      this.#lastUrl = any.typeUrl;
    }
    return this.#lastName;
  }

  #deliverPayload(wrapper: 'text' | 'bytes', inbound: Inbound, work?: StoredWork): void {
    work?.opened(undefined);
    const handler = this.handlers.get(WHOLE_PAYLOAD);
    if (handler === undefined) {
      work?.unhandled(0);
      return;
    }
    const payload = wrapper === 'text' ? textOf(inbound) : inbound.bytes;
    const arrival: Arrival = {
      kind: 'payload',
      topic: inbound.topic,
      arrivedAt: this.parts.clock.elapsed(),
      template: this.#template,
      headers: inbound.headers,
    };
    this.#enqueue(handler, wrapper, payload, arrival, headersSizeOf(inbound) + inbound.bytes.length, 0, work);
  }

  #enqueue(
    handler: PreparedHandler,
    type: string,
    message: unknown,
    arrival: Arrival,
    bytes: number,
    index: number,
    work: StoredWork | undefined,
  ): void {
    const key = this.#keyOf?.(message);
    const fate = work?.content(index, handler.place.handler, type);
    const job = new MessageJob(this, handler, type, message, arrival, key, bytes, fate);
    job.accepted();
    if (work?.alone !== true) this.queue.enqueue(job);
    else if (this.parts.options.order === 'per-key' && this.queue.isBehind(job)) {
      this.queue.enqueue(job);
      job.behind();
    } else this.queue.enqueueAlone(job);
  }

  #drop(topic: string, why: QueueLimit, because: string): void {
    const { service, reporter, emit, definition } = this.parts;
    emit({ kind: 'dropped', service, topic, why });
    const who = `${service} on '${definition.template}'`;
    const overloaded = () => new BusError(`${who} drops what arrives: ${because}`, { reason: 'TERABUS_OVERLOADED' });
    reporter.reportFlood(who, 'TERABUS_OVERLOADED', overloaded, { topic, why });
  }

  #badMessage(topic: string, error: BusError, handler?: PreparedHandler, type?: string): BusError {
    const { service, reporter, emit, definition } = this.parts;
    const who = handler?.place.handler ?? service;
    const what = type ?? `a message (${definition.wrapper})`;
    const named = new BusError(`${who} can't be given ${what} from '${topic}': ${error.rawMessage}`, {
      code: error.code,
      reason: error.reason,
      cause: error,
    });
    reporter.report(who, named, { topic, ...(type === undefined ? {} : { type }) });
    emit({ kind: 'bad-message', service, topic, error: named });
    return named;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(inbound: Inbound): string {
  try {
    return strictUtf8.decode(inbound.view ?? inbound.bytes);
  } catch (error) {
    throw new BusError('the bytes are no UTF-8 text', { reason: 'TERABUS_MESSAGE_UNDECODABLE', cause: error });
  }
}
