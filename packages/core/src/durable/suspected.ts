import type { KeyValue } from '../transport/key-value.js';
import type { GroupParts } from './group-parts.js';
import { consumerOf } from './names.js';
import { formatOrigin } from './origin.js';
import type { Suspect } from './suspects.js';
import type { Taken } from './taken.js';

/** What a reader has taken that may end its process: it waits until it may run alone. */
export class Suspected {
  readonly #parts: GroupParts;
  readonly #marks: () => KeyValue;
  readonly #waiting = new Map<Suspect, Taken>();

  constructor(parts: GroupParts, marks: () => KeyValue) {
    this.#parts = parts;
    this.#marks = marks;
  }

  add(taken: Taken): void {
    const { suspects, reporter, address, pattern } = this.#parts;
    const { origin, storedAt } = taken.letter;
    const suspect: Suspect = {
      name: `${consumerOf(address, pattern)} ${formatOrigin(origin)}@${storedAt}`,
      marks: this.#marks(),
      reporter,
      run: () => {
        this.#waiting.delete(suspect);
        taken.alone = true;
        taken.open();
        return taken.ran;
      },
      giveUp: (error) => {
        this.#waiting.delete(suspect);
        taken.deadLetter(error);
      },
    };
    this.#waiting.set(suspect, taken);
    suspects.add(suspect);
  }

  /** Those that have not begun are handed out again. */
  giveBack(): void {
    for (const [suspect, taken] of this.#waiting) {
      if (this.#parts.suspects.withdraw(suspect)) taken.giveBackWhole();
    }
    this.#waiting.clear();
  }
}
