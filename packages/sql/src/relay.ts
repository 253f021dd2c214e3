import type { Bus, Clock, Logger } from '@terabus/core';
import { systemClock, toSubject } from '@terabus/core/transport';
import { BusError, type Code } from '@terabus/messages';
import { decodeContent } from './content.js';
import { wholeNumber } from './options.js';
import type { DurableTopic } from './outbox.js';
import { Pause } from './pause.js';
import type { Parcel, Shelf } from './shelf.js';

/** What {@link SqlOutbox.relay} is told. */
export interface RelayOptions {
  /** Sends: the bus of a service (`@inject(Bus)`), which declares the topics in its `uses`, or one of `openBus`. */
  readonly bus: Pick<Bus, 'publish' | 'publishAll' | 'send'>;
  /** Ends it when it aborts, as {@link Relay.stop} does. */
  readonly signal?: AbortSignal | undefined;
  /** Told what can't be sent, and what the database refuses. Defaults to nobody. */
  readonly logger?: Pick<Logger, 'error'> | undefined;
  /** Defaults to the machine's. */
  readonly clock?: Clock | undefined;
  /** How long it may be before it sees what nobody told it of, in milliseconds. Defaults to 1,000. */
  readonly pollMs?: number | undefined;
  /**
   * How long a relay that fell silent keeps others from sending, in milliseconds. Two thirds of it is how long it is
   * tried to store one message. Defaults to 30,000: elections of a stream's leader take 5 to 13 s. A relay that is
   * stopped leaves at once.
   */
  readonly leaseMs?: number | undefined;
  /** How many messages it reads at a time. Defaults to 100: as many may be sent twice after a crash. */
  readonly batch?: number | undefined;
  /** How many bytes of messages it reads at a time; one message may go beyond it. Defaults to 1 MiB. */
  readonly batchBytes?: number | undefined;
  /**
   * How often a message is tried that is refused for what it is, before it is given up. Defaults to 10, which takes two
   * and a half minutes: a rollout may bring the version that can send it.
   */
  readonly tries?: number | undefined;
}

/** What sends the messages of an outbox. */
export interface Relay {
  /** Whether it is the one that sends, as far as it knows. */
  readonly active: boolean;
  /** Sends what it has read, at most `batch` messages, and leaves its place to others. Never rejects. */
  stop(): Promise<void>;
}

/** What a relay is made of. */
export interface RelayParts {
  readonly shelf: Shelf;
  readonly holder: string;
  readonly topics: ReadonlyMap<string, DurableTopic['definition']>;
  readonly ended: () => void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Codes that say: this message, whoever sends it and whenever. All others may be mended without touching it. */
const REFUSALS: ReadonlySet<Code> = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'DATA_LOSS',
]);

/** A topic whose next message could not be sent. */
interface Held {
  readonly failures: number;
  /** When it is tried again, on `clock.elapsed()`. */
  readonly until: number;
}

/**
 * Sends one message after another, each when the one before is stored, in the order in which their transactions were
 * committed. A message that can't be sent holds its topic (all of a family), and lets the others pass.
 */
export class RunningRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #parts: RelayParts;
  readonly #clock: Clock;
  readonly #pollMs: number;
  readonly #leaseMs: number;
  readonly #batch: number;
  readonly #batchBytes: number;
  readonly #tries: number;
  readonly #pause: Pause;
  readonly #held = new Map<string, Held>();
  /** Sent, and not removed yet. If the database is gone meanwhile, they are not sent again for it. */
  #sent: string[] = [];
  #active = false;
  #stopping = false;
  #troubles = 0;
  readonly #run: Promise<void>;

  constructor(options: RelayOptions, parts: RelayParts) {
    const { clock = systemClock, pollMs = 1_000, leaseMs = 30_000, batch = 100, batchBytes = 2 ** 20 } = options;
    this.#options = options;
    this.#parts = parts;
    this.#clock = clock;
    this.#pollMs = wholeNumber('pollMs', pollMs, 1);
    this.#leaseMs = wholeNumber('leaseMs', leaseMs, 1_000);
    this.#batch = wholeNumber('batch', batch, 1);
    this.#batchBytes = wholeNumber('batchBytes', batchBytes, 1);
    this.#tries = wholeNumber('tries', options.tries ?? 10, 1);
    this.#pause = new Pause(clock);
    this.#run = this.#relay();
  }

  get active(): boolean {
    return this.#active;
  }

  poke(): void {
    this.#pause.end();
  }

  stop(): Promise<void> {
    this.#stopping = true;
    this.#pause.end();
    return this.#run;
  }

  async #relay(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = () => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) this.#stopping = true;
    while (!this.#stopping) {
      const waitMs = await this.#round();
      if (waitMs > 0 && !this.#stopping) await this.#pause.begin(waitMs);
    }
    signal?.removeEventListener('abort', onAbort);
    await this.#leave();
    this.#parts.ended();
  }

  /** Resolves with how many milliseconds to wait before the next one. */
  async #round(): Promise<number> {
    try {
      const waitMs = await this.#sendBatch();
      this.#troubles = 0;
      return waitMs;
    } catch (error) {
      this.#active = false;
      this.#troubles += 1;
      const waitMs = waitAfter(this.#troubles);
      this.#log({ err: BusError.from(error) }, `the outbox can't be read, and is tried again in ${waitMs} ms`);
      return waitMs;
    }
  }

  async #sendBatch(): Promise<number> {
    const begun = this.#clock.elapsed();
    const parcels = await this.#parts.shelf.next({
      holder: this.#parts.holder,
      leaseMs: this.#leaseMs,
      sent: this.#sent,
      templates: this.#ready(begun),
      messages: this.#batch,
      bytes: this.#batchBytes,
    });
    this.#sent = [];
    this.#active = parcels !== undefined;
    if (parcels === undefined) return this.#pollMs;
    if (parcels.length === 0) return this.#idleMs();

    const stopped = new Set<string>();
    for (const parcel of parcels) {
      if (stopped.has(parcel.template)) continue;
      // A message is tried for the other two thirds: the lease ends in the middle of none.
      if (this.#clock.elapsed() - begun > this.#leaseMs / 3) break;
      if (!(await this.#send(parcel))) stopped.add(parcel.template);
    }
    return 0;
  }

  /** Until a topic that is held is tried again, or a look for what nobody told of. */
  #idleMs(): number {
    const now = this.#clock.elapsed();
    const ends = [...this.#held.values()].map(({ until }) => until - now);
    return Math.max(1, Math.min(this.#pollMs, ...ends));
  }

  /** Topics that are not held, or not any longer. */
  #ready(now: number): readonly string[] {
    return [...this.#parts.topics.keys()].filter((template) => (this.#held.get(template)?.until ?? now) <= now);
  }

  /** Resolves with whether the next message of its topic may go. */
  async #send(parcel: Parcel): Promise<boolean> {
    const { messageId, topic, template } = parcel;
    try {
      await this.#publish(parcel);
    } catch (thrown) {
      const error = BusError.from(thrown);
      const isRefused = REFUSALS.has(error.code);
      const tries = parcel.tries + (isRefused ? 1 : 0);
      const isFailed = isRefused && tries >= this.#tries;
      const waitMs = isFailed ? 0 : this.#hold(template);
      const what = isFailed ? 'is given up' : `holds '${template}' and is tried again in ${waitMs} ms`;
      this.#log({ topic, messageId, err: error }, `the stored message ${messageId} to '${topic}' ${what}`);
      await this.#parts.shelf.refuse(messageId, tries, error.message, isFailed);
      if (isFailed) this.#held.delete(template);
      return isFailed;
    }
    this.#sent.push(messageId);
    this.#held.delete(template);
    return true;
  }

  async #publish({ messageId, topic: name, template, content, headers }: Parcel): Promise<void> {
    const { bus } = this.#options;
    const definition = this.#parts.topics.get(template) as DurableTopic['definition'];
    const topic: DurableTopic = { kind: 'topic', definition, name, pattern: toSubject(name) };
    const messages = decodeContent(topic, content);
    const options = { messageId, headers, timeoutMs: Math.ceil((this.#leaseMs * 2) / 3) };
    // The types were checked when it was stored.
    if (definition.wrapper === 'module-message') await bus.send(topic as never, messages[0] as never, options);
    else if (definition.wrapper === 'event') await bus.publishAll(topic as never, messages as never, options);
    else await bus.publish(topic as never, messages[0] as never, options);
  }

  #hold(template: string): number {
    const failures = (this.#held.get(template)?.failures ?? 0) + 1;
    const waitMs = waitAfter(failures);
    this.#held.set(template, { failures, until: this.#clock.elapsed() + waitMs });
    return waitMs;
  }

  async #leave(): Promise<void> {
    this.#active = false;
    try {
      await this.#parts.shelf.leave(this.#parts.holder, this.#sent);
    } catch (error) {
      const count = this.#sent.length;
      this.#log({ err: BusError.from(error) }, `the outbox could not be left: ${count} messages may be sent again`);
    }
  }

  /** A log that can't be written must not keep messages from being sent. */
  #log(fields: object, text: string): void {
    try {
      this.#options.logger?.error(fields, text);
    } catch {
      // Nobody is left to be told.
    }
  }
}

const waitAfter = (failures: number): number => Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
