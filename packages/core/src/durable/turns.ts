import type { Taken } from './taken.js';

/** One that is to begin. */
export interface Turn {
  readonly taken: Taken;
  begin(): void;
  /** Whether those behind it wait until it had its turn. */
  readonly first: boolean;
}

/** Lets what an ordered group has taken begin in its order, also where one of them has to run alone before the others. */
export class Turns {
  #behind: Turn[] = [];
  #waiting = false;

  /** Begins it, or lets it wait for one that is before it. */
  add(turn: Turn): void {
    this.#behind.push(turn);
    if (!this.#waiting) this.#next();
  }

  /** Those that have not begun, which begin no more. */
  withdraw(): readonly Taken[] {
    return this.#behind.splice(0).map(({ taken }) => taken);
  }

  #next(): void {
    this.#waiting = false;
    for (let turn = this.#behind.shift(); turn !== undefined; turn = this.#behind.shift()) {
      turn.begin();
      if (!turn.first) continue;
      this.#waiting = true;
      void turn.taken.ran.then(() => this.#next());
      return;
    }
  }
}
