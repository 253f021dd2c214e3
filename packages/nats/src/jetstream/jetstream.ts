import type { Clock, Inbound, TransportEvent } from '@terabus/core/transport';
import { BusError } from '@terabus/core/transport';
import type { Connection } from '../connection.js';
import { closedError } from '../errors.js';
import type { CheckedNatsOptions } from '../options.js';
import type { WireMessage } from '../outbox.js';
import type { Problems } from '../problems.js';
import type { RawMessage } from '../raw-message.js';
import { newReplyPrefix } from '../reply-subjects.js';
import type { Requests } from '../requests.js';
import type { Subscribed } from '../subscriptions.js';
import type { ApiError } from './api-error.js';
import { Names } from './names.js';

/** An answer of the API takes a round trip, and one to its leader in a cluster; a loaded server needs more. */
const CALL_TIMEOUT_MS = 5_000;

/** Why there is no answer. */
export interface NoAnswer {
  readonly error: BusError;
  /** Whether it was sent, so that nobody knows what came of it. */
  readonly unknown: boolean;
}

/** What has to know of links. */
export interface LinkWatcher {
  lost(): void;
  attached(): void;
  close(): void;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** JetStream as a connection reaches it: requests and answers in JSON, and subscriptions for what is handed out. */
export class JetStream {
  readonly clock: Clock;
  readonly names: Names;
  readonly troubles: Problems;
  readonly emit: (event: TransportEvent) => void;
  readonly #options: CheckedNatsOptions;
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #watchers = new Set<LinkWatcher>();

  constructor(
    options: CheckedNatsOptions,
    connection: Connection,
    requests: Requests,
    emit: (event: TransportEvent) => void,
  ) {
    this.#options = options;
    this.#connection = connection;
    this.#requests = requests;
    this.emit = emit;
    this.clock = options.clock;
    this.names = new Names(options.namespace);
    this.troubles = connection.troubles;
  }

  get up(): boolean {
    return this.#connection.state === 'up';
  }

  get closed(): boolean {
    return this.#connection.state === 'closed';
  }

  /** Waits no longer than `timeoutMs` for the answer to a message. What `make` throws is an answer too. */
  ask(make: () => WireMessage, timeoutMs: number): Promise<Inbound | NoAnswer> {
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(timeoutMs, () => {
        forget();
        resolve({ error: unanswered(timeoutMs), unknown: true });
      });
      const forget = this.#requests.send(make, 'JetStream', (answer, lost) => {
        timer.cancel();
        resolve(BusError.is(answer) ? { error: answer, unknown: lost } : answer);
      });
    });
  }

  /**
   * Calls the API; an error of it is an answer.
   *
   * @throws BusError `TERABUS_STREAM_UNAVAILABLE` when nobody answers, `TERABUS_NATS_FORBIDDEN`, those of the link
   */
  async call<T extends object>(
    operation: string,
    body: object = {},
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Partial<T> & { readonly error?: ApiError }> {
    const subject = `$JS.API.${operation}`;
    const answer = await this.ask(() => ({ subject, bytes: encoder.encode(JSON.stringify(body)) }), timeoutMs);
    if ('error' in answer) {
      throw answer.error.reason === 'TERABUS_NO_RESPONDERS' ? noJetStream() : answer.error;
    }
    const read = parsed(answer.bytes);
    if (read === undefined) throw new BusError('JetStream gave no JSON', { reason: 'TERABUS_NATS_ERROR' });
    return read as Partial<T>;
  }

  /** Sends a request whose answers come to a subscription of one's own. @throws BusError */
  post(subject: string, bytes: Uint8Array, replyTo: string, onRefused: (error: BusError) => void): void {
    this.#connection.outbox.request({ subject, bytes }, replyTo, onRefused);
  }

  /** Sends what nobody waits for; nothing without a link. */
  tell(subject: string, bytes: Uint8Array): void {
    if (this.up) this.#connection.outbox.tell({ subject, bytes });
  }

  /** Publishes, and resolves when the server has it. @throws BusError */
  confirm(subject: string, bytes: Uint8Array): Promise<void> {
    return this.#connection.outbox.publish({ subject, bytes, confirm: true });
  }

  /** Resolves when the server has all that was sent. @throws BusError */
  flush(): Promise<void> {
    return this.#connection.outbox.flush();
  }

  /** A place for answers of its own, where nobody else listens. */
  open(deliver: (raw: RawMessage) => void): { readonly prefix: string; readonly subscribed: Subscribed } {
    const prefix = newReplyPrefix(this.#options.name, this.#options.namespace);
    return { prefix, subscribed: this.#connection.subscriptions.add(`${prefix}*`, undefined, deliver) };
  }

  /** Tells of links until the returned function is called. */
  follow(watcher: LinkWatcher): () => void {
    if (this.closed) throw closedError();
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  lost(): void {
    for (const watcher of this.#watchers) watcher.lost();
  }

  attached(): void {
    for (const watcher of this.#watchers) watcher.attached();
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers.clear();
  }
}

/** JSON as an object; undefined for anything else. */
export function parsed(bytes: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const unanswered = (timeoutMs: number) =>
  new BusError(`JetStream did not answer within ${timeoutMs} ms`, { reason: 'TERABUS_STREAM_UNAVAILABLE' });

const noJetStream = () =>
  new BusError('nobody answers for JetStream: it is not switched on at this server, or starts', {
    reason: 'TERABUS_STREAM_UNAVAILABLE',
  });
