import { inspect } from 'node:util';
import type { Headers } from '@terabus/core/transport';
import { withoutReserved } from '../headers.js';

/** NATS' own names begin so, however they are written. */
const isReserved = (name: string) => /^nats-/i.test(name);

/** The headers of a message without those that are NATS' own. They are sorted out when somebody looks at all of them. */
export class OwnHeaders implements Headers {
  readonly #all: Headers;
  #own: Headers | undefined;

  constructor(all: Headers) {
    this.#all = all;
  }

  get(name: string): string | undefined {
    return isReserved(name) ? undefined : this.#all.get(name);
  }

  has(name: string): boolean {
    return !isReserved(name) && this.#all.has(name);
  }

  get size(): number {
    return this.#sorted.size;
  }

  forEach(callback: (value: string, name: string, headers: Headers) => void, self?: unknown): void {
    for (const [name, value] of this.#sorted) callback.call(self, value, name, this);
  }

  entries() {
    return this.#sorted.entries();
  }

  keys() {
    return this.#sorted.keys();
  }

  values() {
    return this.#sorted.values();
  }

  [Symbol.iterator]() {
    return this.#sorted[Symbol.iterator]();
  }

  get [Symbol.toStringTag](): string {
    return 'Map';
  }

  /** As a map: whoever looks at it on the console would else see nothing in it. */
  [inspect.custom](): Headers {
    return this.#sorted;
  }

  get #sorted(): Headers {
    this.#own ??= withoutReserved(this.#all);
    return this.#own;
  }
}
