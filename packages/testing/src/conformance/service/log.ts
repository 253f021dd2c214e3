/** What happened, in order, for a story to compare with and to wait for. */
export class Log<T = string> {
  readonly entries: T[] = [];
  readonly #wakers = new Set<() => void>();

  readonly add = (entry: T): void => {
    this.entries.push(entry);
    for (const wake of [...this.#wakers]) wake();
  };

  /** The first entry, past or future, of which this is true. It waits for as long as the test may run. */
  async until(holds: (entry: T) => boolean): Promise<T> {
    await this.#wait(() => this.entries.some(holds));
    return this.entries.find(holds) as T;
  }

  /** The first `count` entries, when there are so many. */
  async first(count: number): Promise<readonly T[]> {
    await this.#wait(() => this.entries.length >= count);
    return this.entries.slice(0, count);
  }

  #wait(over: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        if (!over()) return;
        this.#wakers.delete(wake);
        resolve();
      };
      this.#wakers.add(wake);
      wake();
    });
  }
}

/** A door that handlers wait at until the story opens it. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
