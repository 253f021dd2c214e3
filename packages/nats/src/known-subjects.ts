/** How many are remembered at least; twice as many at most. Some 2 MB, for topics of a device each. */
const GENERATION = 10_000;

/**
 * Subjects on which the server is known to let this user publish. Bounded: those that were not used for a long time are
 * forgotten, a generation at a time, which costs the hot path one look into a set.
 */
export class KnownSubjects {
  #young = new Set<string>();
  #old = new Set<string>();

  has(subject: string): boolean {
    if (this.#young.has(subject)) return true;
    if (!this.#old.has(subject)) return false;
    this.add(subject);
    return true;
  }

  add(subject: string): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(subject);
  }

  delete(subject: string): void {
    this.#young.delete(subject);
    this.#old.delete(subject);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
