/** So many of those that it has settled last are known, should the server not have heard of it. */
const MOST = 10_000;

/** What a reader has settled last. A lost link loses acknowledgements: what comes again then must not run again. */
export class Known {
  readonly #keys = new Set<string>();
  /** The same in a ring, the next to be forgotten at `#oldest`: a set is slow to find its first. */
  readonly #inOrder: string[] = [];
  #oldest = 0;

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    const oldest = this.#inOrder[this.#oldest];
    if (oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.add(key);
    this.#inOrder[this.#oldest] = key;
    this.#oldest = (this.#oldest + 1) % MOST;
  }
}
