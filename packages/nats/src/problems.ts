import type { BusError, TransportEvent } from '@terabus/core/transport';

/** More are told by their events, and not kept: a service may publish to any number of subjects. */
const MOST_KEPT = 100;

/** What keeps a connection from its work, one entry each; an entry that comes or goes is an event. */
export class Problems {
  readonly #entries = new Map<string, BusError>();
  readonly #emit: (event: TransportEvent) => void;

  constructor(emit: (event: TransportEvent) => void) {
    this.#emit = emit;
  }

  get list(): readonly BusError[] {
    return [...this.#entries.values()];
  }

  get some(): boolean {
    return this.#entries.size > 0;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The first error of a key is the one that stays. */
  add(key: string, error: BusError): void {
    if (this.#entries.has(key)) return;
    if (this.#entries.size < MOST_KEPT) this.#entries.set(key, error);
    this.#emit({ kind: 'problem', error });
  }

  solve(key: string): void {
    const error = this.#entries.get(key);
    if (error === undefined) return;
    this.#entries.delete(key);
    this.#emit({ kind: 'solved', error });
  }
}
