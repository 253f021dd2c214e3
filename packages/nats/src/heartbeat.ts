import type { Clock, Timer } from '@terabus/core/transport';
import type { Ledger } from './ledger.js';

/** Between two pings. With {@link MOST_SILENT_TICKS}, a dead link is found after 4.5 s at most. */
const TICK_MS = 1_500;

/**
 * Ticks without an answer, while one is due, after which a link is dead. Ticks are counted and not time, and each is set
 * when the one before was worked off: a process that stood still finds the answers waiting before the next tick.
 */
const MOST_SILENT_TICKS = 2;

/** Pings a link until it is dead, or stopped. Every PONG counts, also to the pings that confirm messages. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #dead: () => void;
  readonly #measured: (roundTripMs: number) => void;
  #timer: Timer | undefined;
  #stopped = false;
  #waiting = false;
  #answers = 0;
  #silentTicks = 0;

  constructor(clock: Clock, ledger: Ledger, on: { dead: () => void; measured: (roundTripMs: number) => void }) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#dead = on.dead;
    this.#measured = on.measured;
    this.#ping();
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    const { answers, unanswered } = this.#ledger;
    this.#silentTicks = unanswered > 0 && answers === this.#answers ? this.#silentTicks + 1 : 0;
    this.#answers = answers;
    if (this.#silentTicks >= MOST_SILENT_TICKS) {
      this.#dead();
      return;
    }
    if (!this.#waiting) this.#ping();
    this.#arm();
  }

  #ping(): void {
    this.#waiting = true;
    const sentAt = this.#clock.elapsed();
    this.#ledger.ping((error) => {
      if (error || this.#stopped) return;
      this.#waiting = false;
      this.#measured(this.#clock.elapsed() - sentAt);
    });
  }
}
