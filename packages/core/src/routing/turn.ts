import type { Clock } from '../transport/clock.js';

/**
 * When jobs have run in a row for so long, sockets and timers get their turn. A turn of the event loop may bring a
 * thousand messages: handlers that need next to no time have to get through them in one, or the queue would fill up.
 */
const TURN_MS = 5;

/** At most so many jobs in a row, also where time stands still: as many as wait by default. */
const JOBS_PER_TURN = 4_096;

const turns = new WeakMap<Clock, Turn>();

/**
 * How many jobs start before the event loop turns, counted over all queues: handlers that end without waiting
 * for anything real bring the next one at once.
 */
export class Turn {
  /** The one of all queues whose time goes by this clock. */
  static of(clock: Clock): Turn {
    let turn = turns.get(clock);
    if (turn === undefined) {
      turn = new Turn();
      turns.set(clock, turn);
    }
    return turn;
  }

  /** Since the event loop turned. */
  #jobs = 0;
  /** When the first of them was, on `clock.elapsed()`. */
  #began = 0;
  /** Whether there was one. */
  #isOn = false;
  /** Whether no more may start. */
  #isOver = false;
  /** Who goes on when the event loop has turned, in this order. */
  #waiting: (() => void)[] = [];

  /**
   * Whether one more job may start: now, on `clock.elapsed()`. Where it may not, `resume` is called when the event loop has turned, in
   * the order of those who were refused. Who is not reached then is first the next time.
   */
  takes(now: number, resume: () => void): boolean {
    if (!this.#isOn) this.#begin(now);
    else if (this.#isOver || this.#jobs >= JOBS_PER_TURN || now - this.#began >= TURN_MS) {
      this.#isOver = true;
      this.#waiting.push(resume);
      return false;
    }
    this.#jobs += 1;
    return true;
  }

  #begin(now: number): void {
    this.#isOn = true;
    this.#isOver = false;
    this.#jobs = 0;
    this.#began = now;
    setImmediate(() => this.#turned());
  }

  #turned(): void {
    this.#isOn = false;
    this.#isOver = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    let next = 0;
    while (next < waiting.length && !this.#isOver) waiting[next++]?.();
    this.#waiting = [...waiting.slice(next), ...this.#waiting];
  }
}
