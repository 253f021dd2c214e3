import type { Clock, Timer } from '@terabus/core/transport';
import type { Ledger } from './ledger.js';
import type { Link } from './link.js';

/** Between two pings. With {@link MOST_SILENT_TICKS}, a dead link is found after 4.5 s at most. */
const TICK_MS = 1_500;

/**
 * Ticks without an answer, while one is due, after which a link is dead. Ticks are counted and not time, and each is set
 * when the one before was worked off: a process that stood still finds the answers waiting before the next tick.
 */
const MOST_SILENT_TICKS = 2;

/**
 * Where so much came since the last tick, messages may stand in front of the PONG, and the tick does not count: those
 * of a process whose handlers take long, or of a slow line. Less is what a line that is dead in one direction may
 * still carry. A line too slow for 11 kB a second can look dead.
 *
 * The same of what goes out, where the PING stands behind a message that takes long. It counts only while this process
 * holds more than the system takes: then what is taken is what the other side has confirmed.
 */
const BACKLOG_BYTES = 16_384;

/** Ticks without an answer after which a link is dead whatever comes: 30 s. */
const MOST_TICKS = 20;

/** What of a link shows that bytes move. */
type Line = Pick<Link, 'receivedBytes' | 'outgoing'>;

/** Pings a link until it is dead, or stopped. Every PONG counts, also to the pings that confirm messages. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #link: Line;
  readonly #dead: () => void;
  readonly #measured: (roundTripMs: number) => void;
  #timer: Timer | undefined;
  #stopped = false;
  #waiting = false;
  #answers = 0;
  #received = 0;
  #unsent = 0;
  #taken = 0;
  /** Since the last answer; and those of them in which little moved. */
  #ticks = 0;
  #silentTicks = 0;

  constructor(
    clock: Clock,
    { link, ledger }: { readonly link: Line; readonly ledger: Ledger },
    on: { dead: () => void; measured: (roundTripMs: number) => void },
  ) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#link = link;
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
    const { receivedBytes, outgoing } = this.#link;
    const { unsentBytes, takenBytes } = outgoing;
    const came = receivedBytes - this.#received;
    const went = this.#unsent > 0 ? takenBytes - this.#taken : 0;
    if (unanswered === 0 || answers !== this.#answers) this.#ticks = this.#silentTicks = 0;
    else {
      this.#ticks += 1;
      if (came < BACKLOG_BYTES && went < BACKLOG_BYTES) this.#silentTicks += 1;
    }
    this.#answers = answers;
    this.#received = receivedBytes;
    this.#unsent = unsentBytes;
    this.#taken = takenBytes;
    if (this.#silentTicks >= MOST_SILENT_TICKS || this.#ticks >= MOST_TICKS) {
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
