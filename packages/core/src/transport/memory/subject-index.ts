interface Lying {
  readonly sequence: number;
  readonly subject: string;
}

interface Entry {
  count: number;
  /** At or before the first one. */
  first: number;
  /** At or behind the last one. */
  last: number;
}

/**
 * Which subjects have messages in a stream, and where they begin and end. Ends that are removed are looked for when
 * somebody asks, which costs each number one look.
 */
export class SubjectIndex {
  readonly #rows: ReadonlyMap<number, Lying>;
  readonly #entries = new Map<string, Entry>();

  constructor(rows: ReadonlyMap<number, Lying>) {
    this.#rows = rows;
  }

  all(): string[] {
    return [...this.#entries.keys()];
  }

  count(subject: string): number {
    return this.#entries.get(subject)?.count ?? 0;
  }

  /** The number of its first message, 0 for none. */
  first(subject: string): number {
    const entry = this.#entries.get(subject);
    if (entry === undefined) return 0;
    while (this.#rows.get(entry.first)?.subject !== subject) entry.first += 1;
    return entry.first;
  }

  /** The number of its last message, 0 for none. */
  last(subject: string): number {
    const entry = this.#entries.get(subject);
    if (entry === undefined) return 0;
    while (this.#rows.get(entry.last)?.subject !== subject) entry.last -= 1;
    return entry.last;
  }

  add({ subject, sequence }: Lying): void {
    const entry = this.#entries.get(subject);
    if (entry === undefined) this.#entries.set(subject, { count: 1, first: sequence, last: sequence });
    else {
      entry.count += 1;
      entry.last = sequence;
    }
  }

  remove({ subject }: Lying): void {
    const entry = this.#entries.get(subject);
    if (entry === undefined) return;
    entry.count -= 1;
    if (entry.count === 0) this.#entries.delete(subject);
  }
}
