import { BusError } from '@terabus/messages';
import { deferred } from '../service/deferred.js';
import { fromSubject, toSubject } from '../topics/escape.js';
import { LIVE } from '../topics/own.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { Headers, Inbound, Transport, TransportSubscription } from '../transport/transport.js';

/** What {@link LastValues} is made of. */
export interface LastValuesParts {
  readonly transport: Pick<Transport, 'streams' | 'subscribe' | 'watch'>;
  readonly clock: Clock;
  readonly stream: string;
  /** In subject spelling. */
  readonly pattern: string;
  /** Takes one message, and says whether there was room for it. */
  readonly deliver: (inbound: Inbound) => boolean;
  /** Whether there is room for more of what lies there. */
  readonly hasRoom: () => boolean;
  /** Told why the stream could not be read; it is tried again. */
  readonly report: (error: BusError) => void;
  /** Ends the tries to read it for the first time. */
  readonly signal: AbortSignal;
}

/** So many reads are on their way at a time. */
const READERS = 16;
const ROOM_AFTER_MS = 20;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/**
 * The last message of each subject of a stream that keeps the last ones, then what is published: each of them once,
 * and of one subject in order. It has no consumer, and makes none: it hears the stream's live copies (`_LIVE.…`) and
 * reads what lies there.
 *
 * Live copies are a core subscription, so some may be missed: while the link is lost, or where there is no room. Then
 * the stream is read again, and what is newer than what came is handed over. Values in between that were replaced
 * meanwhile are gone, as the stream itself has forgotten them.
 */
export class LastValues implements TransportSubscription {
  readonly #parts: LastValuesParts;
  /** The number of the last message that was handed over, by subject. */
  readonly #known = new Map<string, number>();
  #highest = 0;
  #live: Promise<TransportSubscription> | undefined;
  #unwatch = (): void => {};
  /** Whether it has been read once. */
  #isCurrent = false;
  #reading = false;
  /** Something was missed since the reading began. */
  #stale = false;
  #failures = 0;
  #timer: Timer | undefined;
  #wake = deferred<void>();
  #ended = false;
  #drained: Promise<void> | undefined;

  constructor(parts: LastValuesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when all that lay there has been handed over, and what is published from now on arrives.
   *
   * @throws BusError what the transport says: `TERABUS_STREAM_MISSING`, `TERABUS_NATS_FORBIDDEN`
   */
  async start(): Promise<this> {
    const { transport, pattern, signal } = this.#parts;
    this.#unwatch = transport.watch(({ kind }) => {
      if (kind === 'reconnected') this.#missed();
    });
    signal.addEventListener('abort', this.#end, { once: true });
    try {
      this.#live = transport.subscribe(`${LIVE}.${pattern}`, {}, (inbound) => this.#take(inbound));
      await this.#live;
      while (!this.#isCurrent && !this.#ended) {
        await this.#read((error) => {
          if (!error.retryable) throw error;
        });
        if (!this.#isCurrent) await this.#wait(this.#waitMs());
      }
    } catch (error) {
      await this.drain();
      throw error;
    }
    signal.removeEventListener('abort', this.#end);
    return this;
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    this.#end();
    // One that was refused has nothing to end, and whoever started this knows.
    const live = await this.#live?.catch(() => undefined);
    await live?.drain();
  }

  /** Nothing more is read. What is published still arrives until the subscription has ended. */
  readonly #end = (): void => {
    this.#ended = true;
    this.#parts.signal.removeEventListener('abort', this.#end);
    this.#unwatch();
    this.#timer?.cancel();
    this.#wake.resolve();
  };

  /** Takes a live copy. */
  #take({ topic, bytes, headers }: Inbound): void {
    const sequence = numberOf(headers, 'Nats-Sequence');
    const previous = numberOf(headers, 'Nats-Last-Sequence');
    if (sequence === undefined || previous === undefined) {
      const error = new BusError(`a live copy for '${topic}' has no numbers: whoever sent it is no stream`, {
        reason: 'TERABUS_MESSAGE_BAD',
      });
      this.#parts.report(error);
      return;
    }
    const subject = toSubject(topic);
    const known = this.#known.get(subject) ?? 0;
    // Before it has been read once nothing is known of what came before.
    if (previous > known && (this.#isCurrent || known > 0)) this.#missed();
    // An old one, that was read already; or the stream has begun anew.
    else if (sequence < known) this.#missed();
    this.#hand(subject, sequence, { topic, bytes, headers });
  }

  #hand(subject: string, sequence: number, { topic, bytes, headers }: Inbound): void {
    if (sequence <= (this.#known.get(subject) ?? 0)) return;
    if (!this.#parts.deliver({ topic, bytes, headers: ownHeaders(headers) })) {
      this.#missed();
      return;
    }
    this.#known.set(subject, sequence);
    this.#highest = Math.max(this.#highest, sequence);
  }

  /** Some live copies did not come here. */
  #missed(): void {
    this.#stale = true;
    this.#readSoon();
  }

  #readSoon(): void {
    if (this.#reading || !this.#isCurrent || this.#ended || this.#timer !== undefined) return;
    this.#timer = this.#parts.clock.setTimer(this.#waitMs(), () => {
      this.#timer = undefined;
      void this.#read(this.#parts.report);
    });
  }

  #waitMs(): number {
    return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 10));
  }

  /** Reads all that lies there, and hands over what is newer. */
  async #read(onError: (error: BusError) => void): Promise<void> {
    this.#reading = true;
    this.#stale = false;
    try {
      await this.#readAll();
      this.#isCurrent = true;
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#stale = true;
      if (!this.#ended) onError(BusError.from(error));
    } finally {
      this.#reading = false;
      if (this.#stale) this.#readSoon();
    }
  }

  async #readAll(): Promise<void> {
    const { transport, stream, pattern } = this.#parts;
    // Of before the question: live copies that overtake its answer are newer than what it says.
    const highest = this.#highest;
    const { lastSequence } = await transport.streams.streamState(stream);
    if (lastSequence < highest) {
      // Somebody has made it anew: its numbers say nothing of the old ones.
      this.#known.clear();
      this.#highest = 0;
    }
    const left = await transport.streams.subjects(stream, pattern);
    const readers = Array.from({ length: READERS }, async () => {
      for (let subject = left.pop(); subject !== undefined && !this.#ended; subject = left.pop()) {
        const last = await transport.streams.read(stream, { lastOf: subject });
        while (!this.#parts.hasRoom() && !this.#ended) await this.#wait(ROOM_AFTER_MS);
        if (last === undefined || this.#ended) continue;
        this.#hand(subject, last.sequence, { ...last, topic: fromSubject(subject) });
      }
    });
    await Promise.all(readers);
  }

  /** Until the end, at most. */
  async #wait(ms: number): Promise<void> {
    const over = deferred<void>();
    const timer = this.#parts.clock.setTimer(ms, () => over.resolve());
    await Promise.race([over.promise, this.#wake.promise]);
    timer.cancel();
  }
}

function numberOf(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Without those of the stream: what was read and what came live is to look alike. */
const ownHeaders = (headers: Headers): Headers => new Map([...headers].filter(([name]) => !name.startsWith('Nats-')));
