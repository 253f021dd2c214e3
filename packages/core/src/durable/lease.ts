import { BusError } from '@terabus/messages';
import { deferred } from '../service/deferred.js';
import type { Clock, Timer } from '../transport/clock.js';
import type { KeyValue, KeyValueEntry } from '../transport/key-value.js';

/** What whoever holds a lease is told. */
export interface HeldLease {
  /**
   * Greater than that of all who held the lease before. Hand it on to what you change, and let that refuse a smaller one
   * than it has seen: a process that stood still for longer than the lease does not know that it has lost it.
   */
  readonly fence: number;
  /** Whether it is held at this moment, by this machine's clock. */
  readonly held: boolean;
  /** Aborts when it is lost. */
  readonly signal: AbortSignal;
}

/** What a {@link Lease} is made of. */
export interface LeaseParts {
  readonly keyValue: KeyValue;
  /** What is held: in its bucket, whoever writes the same key wants the same. */
  readonly key: string;
  /** A text that nobody else has. */
  readonly id: string;
  /** For how many milliseconds it is held without a renewal. */
  readonly holdMs: number;
  readonly clock: Clock;
}

interface Claim {
  readonly id: string;
  readonly holdMs: number;
}

/**
 * One of many does something at a time: whose entry a key has. Its holder renews the entry every third of its time. A
 * bucket tells nobody that an entry has got old, so whoever wants the lease watches it: if the entry stays the same for
 * its whole time, by the watcher's own clock, it is replaced.
 *
 * A holder counts from before it asked, a watcher from when it was answered: the one has lost it before the other takes it.
 */
export class Lease implements HeldLease {
  readonly #parts: LeaseParts;
  readonly #lost = new AbortController();
  #fence = 0;
  #revision = 0;
  /** On `clock.elapsed()`. */
  #heldUntil = Number.NEGATIVE_INFINITY;
  #released = false;
  #renewal: Timer | undefined;
  #expiry: Timer | undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  get fence(): number {
    return this.#fence;
  }

  get held(): boolean {
    return !this.#released && !this.signal.aborted && this.#leftMs() > 0;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Waits until it is held.
   *
   * @param signal gives up waiting: rejects with its reason
   * @throws BusError `TERABUS_BUCKET_MISSING`, `TERABUS_NATS_FORBIDDEN`; what may pass is waited for
   */
  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, holdMs, id } = this.#parts;
    let seen = { revision: 0, since: 0 };
    for (;;) {
      signal.throwIfAborted();
      let waitMs = holdMs / 3;
      try {
        const entry = await this.#parts.keyValue.get(this.#parts.key);
        const claim = entry && readClaim(entry);
        const now = clock.elapsed();
        if (entry !== undefined && entry.revision !== seen.revision) seen = { revision: entry.revision, since: now };
        const leftMs = seen.since + (claim?.holdMs ?? holdMs) - now;
        // One of its own is there where nobody answered to an earlier try.
        if (entry === undefined || claim?.id === id || leftMs <= 0) {
          if (await this.#take(entry, signal)) return;
          continue;
        }
        waitMs = Math.min(waitMs, leftMs);
      } catch (error) {
        if (!BusError.from(error).retryable) throw error;
      }
      await this.#wait(waitMs, signal);
    }
  }

  /** Lets it go, so that the next one need not wait for its time. Never rejects. */
  async release(): Promise<void> {
    const wasHeld = this.held;
    this.#released = true;
    this.#stop();
    if (!wasHeld) return;
    try {
      await this.#parts.keyValue.delete(this.#parts.key, this.#revision);
    } catch {
      // Its time will be over.
    }
  }

  async #take(entry: KeyValueEntry | undefined, signal: AbortSignal): Promise<boolean> {
    const { keyValue, key, clock } = this.#parts;
    const from = clock.elapsed();
    try {
      this.#revision = await (entry === undefined
        ? keyValue.create(key, this.#claim())
        : keyValue.update(key, this.#claim(), entry.revision));
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
    this.#fence = this.#revision;
    this.#hold(from);
    if (!signal.aborted) return true;
    await this.release();
    return false;
  }

  /** It was written after `from`. */
  #hold(from: number): void {
    const { clock, holdMs } = this.#parts;
    this.#stop();
    this.#heldUntil = from + holdMs;
    this.#expiry = clock.setTimer(Math.max(0, this.#leftMs()), () =>
      this.#lose(`it could not be renewed for ${holdMs} ms`),
    );
    this.#renewal = clock.setTimer(holdMs / 3, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { keyValue, key, clock, holdMs } = this.#parts;
    const from = clock.elapsed();
    try {
      this.#revision = await keyValue.update(key, this.#claim(), this.#revision);
      if (this.held) this.#hold(from);
    } catch (error) {
      if (!this.held) return;
      if (isConflict(error)) await this.#look();
      if (this.held) this.#renewal = clock.setTimer(holdMs / 20, () => void this.#renew());
    }
  }

  /** Somebody has changed the entry: maybe an earlier renewal, to which nobody answered. */
  async #look(): Promise<void> {
    try {
      const entry = await this.#parts.keyValue.get(this.#parts.key);
      if (entry !== undefined && readClaim(entry)?.id === this.#parts.id) this.#revision = entry.revision;
      else this.#lose(entry === undefined ? 'its entry was removed' : 'somebody else has taken it');
    } catch {
      // The next renewal conflicts too.
    }
  }

  #lose(why: string): void {
    this.#stop();
    if (this.#released) return;
    const { key } = this.#parts;
    this.#lost.abort(new BusError(`the lease '${key}' is lost: ${why}`, { reason: 'TERABUS_LEASE_LOST' }));
  }

  #stop(): void {
    this.#renewal?.cancel();
    this.#expiry?.cancel();
  }

  #leftMs(): number {
    return this.#heldUntil - this.#parts.clock.elapsed();
  }

  #claim(): Uint8Array {
    const { id, holdMs } = this.#parts;
    return new TextEncoder().encode(JSON.stringify({ id, holdMs } satisfies Claim));
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const over = deferred<void>();
    const timer = this.#parts.clock.setTimer(ms, () => over.resolve());
    const onAbort = () => over.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await over.promise;
    signal.removeEventListener('abort', onAbort);
    timer.cancel();
  }
}

const isConflict = (error: unknown): boolean => BusError.is(error) && error.reason === 'TERABUS_KEY_CONFLICT';

/** Undefined for what is no claim: it is replaced after the time of whoever wants the lease. */
function readClaim({ value }: KeyValueEntry): Claim | undefined {
  try {
    const claim = JSON.parse(new TextDecoder().decode(value)) as Claim;
    return typeof claim?.id === 'string' && claim.holdMs > 0 && claim.holdMs <= MOST_HOLD_MS ? claim : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody is to wait for longer, whatever an entry says. */
export const MOST_HOLD_MS = 600_000;
