import type { Clock } from '@terabus/core/transport';
import { afterTurn } from './turn.js';

/** An event loop with nothing to do makes so many in about 0.4 ms. Where an answer takes longer, a core that has to wake adds little. */
const MOST_TURNS = 512;

/** Of so many waits the first are spent polling, as many behind them asleep, and the rest in the better way. A prime, so that no job keeps step with it. */
const CYCLE = 2_039;
const TRIALS = 160;
/** A kernel moves processes to other cores only after some waits: the first trials still show where the way before had put them. */
const SETTLING = 32;

/** What three of four waits do not exceed. Where processes wait for a core, medians may be shorter, and these are not. */
const QUANTILE = 0.75;
/** Polling takes a core: it has to spare some of the time. */
const WORTH_IT = 0.85;

/**
 * While an answer is awaited, the event loop keeps turning instead of sleeping until there is something to read: to wake a core, above all a
 * virtual one, can take longer than all that is done for a call. Where others want the core, polling takes it from them, and the answer
 * comes later. So both ways are tried, again and again, and the one is taken whose waits are shorter.
 */
export class BusyPolling {
  readonly #clock: Pick<Clock, 'elapsed'>;
  readonly #afterTurn: (next: () => void) => void;
  #waits = 0;
  /** How long the trials of this cycle took, in milliseconds. */
  #polling: number[] = [];
  #asleep: number[] = [];
  #isBetter = false;
  /** The trials that the present wait is one of. */
  #trials: number[] | undefined;
  #begunAt = 0;
  #turnsLeft = 0;
  #isTurning = false;

  constructor(clock: Pick<Clock, 'elapsed'>, after: (next: () => void) => void = afterTurn) {
    this.#clock = clock;
    this.#afterTurn = after;
  }

  /** Somebody waits from now on. */
  begin(): void {
    const polls = this.#nextPolls();
    if (this.#trials !== undefined) this.#begunAt = this.#clock.elapsed();
    if (!polls) return;
    this.#turnsLeft = MOST_TURNS;
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#afterTurn(this.#turn);
  }

  /** An answer is there. Where none comes, the turns run out. */
  end(): void {
    if (this.#trials !== undefined) {
      // Then the loop was asleep when the answer came, as it would have been without: that the wait was shorter is chance.
      const wasInVain = this.#trials === this.#polling && this.#turnsLeft === 0;
      this.#trials.push(wasInVain ? Number.POSITIVE_INFINITY : this.#clock.elapsed() - this.#begunAt);
      this.#trials = undefined;
    }
    this.#turnsLeft = 0;
  }

  #nextPolls(): boolean {
    const place = this.#waits % CYCLE;
    this.#waits += 1;
    if (place === 0) {
      this.#polling = [];
      this.#asleep = [];
    }
    if (place === 2 * TRIALS) this.#isBetter = quantile(this.#polling) < quantile(this.#asleep) * WORTH_IT;
    this.#trials = undefined;
    if (place >= 2 * TRIALS) return this.#isBetter;
    const polls = place < TRIALS;
    if (place % TRIALS >= SETTLING) this.#trials = polls ? this.#polling : this.#asleep;
    return polls;
  }

  readonly #turn = (): void => {
    this.#isTurning = this.#turnsLeft > 0;
    if (!this.#isTurning) return;
    this.#turnsLeft -= 1;
    this.#afterTurn(this.#turn);
  };
}

/** NaN where nothing was measured, which compares as not shorter. */
const quantile = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length * QUANTILE)] ?? Number.NaN;
