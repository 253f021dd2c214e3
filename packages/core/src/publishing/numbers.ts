import { encodeModuleMessage } from '@terabus/messages';
import { formatAbandoned } from '../sequencing/abandoned.js';
import { Heartbeats } from '../sequencing/heartbeat.js';
import type { Sequencer, SequenceStamp } from '../sequencing/sequencer.js';
import { heartbeatOf } from '../topics/heartbeat.js';
import type { Clock } from '../transport/clock.js';
import type { Stored } from '../transport/streams.js';
import { HANDED_OVER, type Transport } from '../transport/transport.js';
import { HEADER } from './headers.js';

/** What numbers messages. */
export interface NumbersParts {
  /** The address of the service. */
  readonly service: string;
  readonly sequencer: Sequencer;
  readonly transport: Transport;
  readonly clock: Clock;
}

/**
 * The numbers of tracked messages, and what becomes of them. A number is never used twice: that of a message which was not handed over
 * is named by the next one.
 */
export class Numbers {
  readonly #parts: NumbersParts;
  readonly #sequencer: Sequencer;
  readonly #heartbeats: Heartbeats;

  constructor(parts: NumbersParts) {
    this.#parts = parts;
    const { clock, sequencer } = parts;
    this.#sequencer = sequencer;
    this.#heartbeats = new Heartbeats({ clock, sequencer, publish: (stamp) => this.#beat(stamp) });
  }

  /** The next number for this destination; the headers say the rest of it. */
  stamp(destination: string, headers: Map<string, string>): SequenceStamp {
    const stamp = this.#sequencer.next(destination);
    addStamp(headers, stamp);
    return stamp;
  }

  /** @param hand hands over the message, and calls back when it turns out that nobody knows whether it arrived */
  hand(stamp: SequenceStamp, hand: (unconfirmed: () => void) => Promise<undefined>): Promise<undefined> {
    let isUnconfirmed = false;
    this.#heartbeats.began(stamp.destination);
    let handing: Promise<undefined>;
    try {
      handing = hand(() => {
        isUnconfirmed = true;
        this.#sequencer.abandon(stamp);
        this.#heartbeats.again(stamp.destination);
      });
    } catch (error) {
      handing = Promise.reject(error);
    }
    if (handing === HANDED_OVER) {
      this.#sequencer.sent(stamp);
      this.#heartbeats.settled(stamp.destination);
      return handing;
    }
    return this.#whenHanded(stamp, handing, () => isUnconfirmed);
  }

  async store(stamp: SequenceStamp, store: () => Promise<Stored>): Promise<Stored> {
    try {
      const stored = await store();
      // What the stream had already may have another number: naming one that did come changes nothing.
      if (stored.duplicate) this.#sequencer.abandon(stamp);
      else this.#sequencer.sent(stamp);
      return stored;
    } catch (error) {
      this.#sequencer.abandon(stamp);
      throw error;
    }
  }

  /** Tells the receivers the last numbers: nothing more is sent. Never rejects. */
  end(): Promise<void> {
    return this.#heartbeats.end();
  }

  close(): void {
    this.#heartbeats.cancel();
  }

  async #whenHanded(
    stamp: SequenceStamp,
    handing: Promise<undefined>,
    isUnconfirmed: () => boolean,
  ): Promise<undefined> {
    try {
      await handing;
      // It may be told before this goes on.
      if (!isUnconfirmed()) this.#sequencer.sent(stamp);
    } catch (error) {
      this.#sequencer.abandon(stamp);
      throw error;
    } finally {
      this.#heartbeats.settled(stamp.destination);
    }
  }

  /** Beside interceptors and observers: nobody's message. */
  async #beat(stamp: SequenceStamp): Promise<void> {
    const { transport, service, clock } = this.#parts;
    const { destination, seq } = stamp;
    const bytes = encodeModuleMessage({ time: clock.now() / 1_000, seq, source: service, dest: destination, data: [] });
    const headers = new Map<string, string>();
    addStamp(headers, stamp);
    await transport.publish({ topic: heartbeatOf(destination), bytes, headers });
  }
}

function addStamp(headers: Map<string, string>, { epoch, abandoned }: SequenceStamp): void {
  headers.set(HEADER.epoch, epoch);
  const named = formatAbandoned(abandoned);
  if (named !== undefined) headers.set(HEADER.abandoned, named);
}
