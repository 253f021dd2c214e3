/** Long enough for the answer of a call and for what comes from other processes. */
const HOLD_MS = 60;

/** Gives lines out in the order of their times: what several processes report doesn't arrive in it. */
export class InOrder<T extends { readonly at: number }> {
  #held: T[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly give: (item: T) => void) {}

  add(item: T): void {
    this.#held.push(item);
    this.#timer ??= setTimeout(() => this.#giveUntil(Date.now() - HOLD_MS / 2), HOLD_MS);
  }

  /** Gives out what is held back. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#giveUntil(Number.POSITIVE_INFINITY);
  }

  #giveUntil(time: number): void {
    this.#timer = undefined;
    const due = this.#held.filter(({ at }) => at <= time).sort((a, b) => a.at - b.at);
    this.#held = this.#held.filter(({ at }) => at > time);
    for (const item of due) this.give(item);
    if (this.#held.length > 0) this.#timer = setTimeout(() => this.#giveUntil(Date.now() - HOLD_MS / 2), HOLD_MS);
  }
}
