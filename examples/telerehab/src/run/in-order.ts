/** Long enough for the answer of a call and for what comes from other processes, on a busy machine too. */
const HOLD_MS = 250;
const LOOK_EVERY_MS = 50;

/** Gives lines out in the order of their times: what several processes report doesn't arrive in it. */
export class InOrder<T extends { readonly at: number }> {
  #held: T[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly give: (item: T) => void) {}

  add(item: T): void {
    this.#held.push(item);
    this.#timer ??= setInterval(() => this.#giveUntil(Date.now() - HOLD_MS), LOOK_EVERY_MS);
  }

  /** Gives out what is held back. */
  flush(): void {
    this.#giveUntil(Number.POSITIVE_INFINITY);
  }

  #giveUntil(time: number): void {
    const due = this.#held.filter(({ at }) => at <= time).sort((a, b) => a.at - b.at);
    this.#held = this.#held.filter(({ at }) => at > time);
    if (this.#held.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const item of due) this.give(item);
  }
}
