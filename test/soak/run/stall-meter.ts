/** Between two looks at the clock. The control and what it is compared with look equally often. */
const LOOK_EVERY_MS = 5;

/** What is not kept: a timer that is a little late says nothing. */
const SHORTEST_MS = 1;

/** Milliseconds on a clock that all processes of a machine share. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6;

/** One time in which the event loop did not turn, on {@link sharedNow}. */
export interface Stall {
  readonly endedAt: number;
  readonly ms: number;
}

/** Measures how long the event loop of this process is kept from turning. */
export class StallMeter {
  readonly stalls: Stall[] = [];
  readonly #timer: NodeJS.Timeout;
  #last = sharedNow();

  constructor() {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** The longest stall that ended after `from`. */
  worstSince(from: number): number {
    this.#look();
    let worst = 0;
    for (const { endedAt, ms } of this.stalls) if (endedAt >= from) worst = Math.max(worst, ms);
    return worst;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = sharedNow();
    const ms = now - this.#last - LOOK_EVERY_MS;
    if (ms > SHORTEST_MS) this.stalls.push({ endedAt: now, ms });
    this.#last = now;
  }
}
