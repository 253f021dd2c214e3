import type { Clock, Timer } from './clock.js';

/**
 * Timers of which nearly all are cancelled: the deadlines of calls and handlers. Those of the same length stand in one line,
 * as they come due in the order in which they were set, so that setting and cancelling one moves nothing; a single timer of
 * the clock waits for the first of them. It is there while any of them is.
 */
export class Deadlines {
  readonly #clock: Clock;
  /** By their length in whole milliseconds. */
  readonly #lines = new Map<number, Line>();
  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Calls `callback` once, `delayMs` milliseconds from `now`, on `clock.elapsed()`, which may have gone by, unless it is cancelled
   * first. It must not throw: others may come due with it.
   */
  set(delayMs: number, now: number, callback: () => void): Timer {
    const length = Math.ceil(delayMs);
    let line = this.#lines.get(length);
    if (line === undefined) {
      line = new Line(length, this.#emptied);
      this.#lines.set(length, line);
    }
    const deadline = new Deadline(line, now + delayMs, callback);
    line.push(deadline);
    if (deadline.at < this.#timerAt) this.#arm(deadline.at);
    return deadline;
  }

  readonly #emptied = (line: Line): void => {
    this.#lines.delete(line.length);
    if (this.#lines.size === 0) this.#disarm();
  };

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#timerAt = at;
    // What they count from may have gone by: a handler works before it waits.
    this.#timer = this.#clock.setTimer(Math.max(0, at - this.#clock.elapsed()), () => this.#due());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #due(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.elapsed();
    const due: Deadline[] = [];
    for (const line of [...this.#lines.values()]) {
      for (let first = line.first; first !== undefined && first.at <= now; first = line.first) {
        first.leave();
        due.push(first);
      }
    }
    let next = Number.POSITIVE_INFINITY;
    for (const { first } of this.#lines.values()) next = Math.min(next, first?.at ?? next);
    if (next < this.#timerAt) this.#arm(next);
    for (const deadline of due.sort((a, b) => a.at - b.at)) deadline.call();
  }
}

/** Deadlines of one length, in the order in which they come due. */
class Line {
  readonly length: number;
  first: Deadline | undefined;
  last: Deadline | undefined;
  readonly #emptied: (line: Line) => void;

  constructor(length: number, emptied: (line: Line) => void) {
    this.length = length;
    this.#emptied = emptied;
  }

  push(deadline: Deadline): void {
    deadline.before = this.last;
    if (this.last === undefined) this.first = deadline;
    else this.last.behind = deadline;
    this.last = deadline;
  }

  remove(deadline: Deadline): void {
    const { before, behind } = deadline;
    // An old one that points to younger ones would keep them all from being collected soon.
    deadline.before = undefined;
    deadline.behind = undefined;
    if (before === undefined) this.first = behind;
    else before.behind = behind;
    if (behind === undefined) this.last = before;
    else behind.before = before;
    if (this.first === undefined) this.#emptied(this);
  }
}

class Deadline implements Timer {
  readonly at: number;
  before: Deadline | undefined;
  behind: Deadline | undefined;
  #line: Line | undefined;
  #callback: (() => void) | undefined;

  constructor(line: Line, at: number, callback: () => void) {
    this.#line = line;
    this.at = at;
    this.#callback = callback;
  }

  cancel(): void {
    this.#callback = undefined;
    this.leave();
  }

  leave(): void {
    this.#line?.remove(this);
    this.#line = undefined;
  }

  /** Unless another one that came due at the same time has cancelled it. */
  call(): void {
    this.#callback?.();
  }
}
