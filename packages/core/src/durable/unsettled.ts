import type { Taken } from './taken.js';

/**
 * The deliveries that a reader answers for, in the order in which they came. Its map holds their places alone: the tables
 * that a map has grown out of keep what was in them from being collected.
 */
export class Unsettled implements Iterable<Taken> {
  readonly #places = new Map<string, number>();
  readonly #taken: (Taken | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#places.size;
  }

  get(key: string): Taken | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#taken[place];
  }

  add(key: string, taken: Taken): void {
    const place = this.#free.pop() ?? this.#taken.length;
    this.#taken[place] = taken;
    this.#places.set(key, place);
  }

  delete(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#taken[place] = undefined;
    this.#free.push(place);
  }

  *[Symbol.iterator](): Generator<Taken> {
    for (const place of this.#places.values()) yield this.#taken[place] as Taken;
  }
}
