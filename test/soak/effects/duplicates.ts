import { BusError } from '@terabus/core';
import type { StoredMessage, Transport } from '@terabus/core/transport';
import type { Random } from '../run/random.js';

const LOOK_EVERY_MS = 50;

/** Publishes some of what is stored a second time, under its id: at once, or when the stream has forgotten the id. */
export class Duplicates {
  /** Copies that were sent within the window, and behind it. */
  readonly sent = { early: 0, late: 0 };
  /** Copies that are stored as messages of their own. */
  readonly stored = { early: 0, late: 0 };
  readonly #transport: Transport;
  readonly #stream: string;
  readonly #windowMs: number;
  readonly #share: number;
  readonly #random: Random;
  readonly #copies = new Set<number>();
  readonly #open = new Set<Promise<void>>();
  #stopped = false;
  readonly #working: Promise<void>;

  constructor(transport: Transport, of: { stream: string; windowMs: number; share: number; random: Random }) {
    this.#transport = transport;
    this.#stream = of.stream;
    this.#windowMs = of.windowMs;
    this.#share = of.share;
    this.#random = of.random;
    this.#working = this.#work();
  }

  /** Resolves when the last copy is sent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
    await Promise.all(this.#open);
  }

  async #work(): Promise<void> {
    for (let next = 1; !this.#stopped; ) {
      const { lastSequence } = await again(() => this.#transport.streams.streamState(this.#stream));
      for (; next <= lastSequence; next++) {
        if (this.#copies.has(next) || !this.#random.chance(this.#share)) continue;
        const fromSequence = next;
        const message = await again(() => this.#transport.streams.read(this.#stream, { fromSequence }));
        if (message?.sequence !== next) continue;
        const copying = this.#copy(message, this.#random.chance(0.5) ? 'early' : 'late');
        this.#open.add(copying);
        void copying.finally(() => this.#open.delete(copying));
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #copy({ subject, bytes, headers, stream }: StoredMessage, when: 'early' | 'late'): Promise<void> {
    if (when === 'late') await pause(this.#windowMs * 2);
    const messageId = headers.get('Terabus-Message-Id') ?? '';
    const copy = { subject, bytes, headers, stream, messageId };
    const stored = await again(() => this.#transport.streams.store(copy, 10_000));
    this.sent[when] += 1;
    if (stored.duplicate) return;
    this.stored[when] += 1;
    this.#copies.add(stored.sequence);
  }
}

/** A busy machine may lose a link for a moment. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!BusError.from(error).retryable) throw error;
      await pause(LOOK_EVERY_MS);
    }
  }
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
