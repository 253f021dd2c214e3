/** What once held more is not kept for what comes. */
const LARGEST_KEPT = 1_024;

/** First in, first out, without moving what waits: an array's `shift` is linear in its length. An empty one keeps its room. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#head;
  }

  /** What `shift` would return. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  *[Symbol.iterator](): Generator<T> {
    for (let index = this.#head; index < this.#end; index++) yield this.#items[index] as T;
  }

  push(item: T): void {
    this.#items[this.#end] = item;
    this.#end += 1;
  }

  shift(): T | undefined {
    if (this.#head === this.#end) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#end) this.#empty();
    else if (this.#head > LARGEST_KEPT && this.#head * 2 > this.#end) this.#moveUp();
    return item;
  }

  #empty(): void {
    if (this.#items.length > LARGEST_KEPT) this.#items = [];
    this.#head = 0;
    this.#end = 0;
  }

  #moveUp(): void {
    this.#items = this.#items.slice(this.#head, this.#end);
    this.#end -= this.#head;
    this.#head = 0;
  }
}
