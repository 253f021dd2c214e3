import type { GroupParts } from './group-parts.js';

const ASK_EVERY_MS = 1_000;

/** How much waits for a group in its stream, as the server said when it was asked last. */
export class Backlog {
  readonly #parts: GroupParts;
  readonly #stream: string;
  readonly #consumer: string;
  #pending: number | undefined;
  /** On `clock.elapsed()`. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: GroupParts, [stream, consumer]: readonly [stream: string, consumer: string]) {
    this.#parts = parts;
    this.#stream = stream;
    this.#consumer = consumer;
  }

  /** Asks again, where that is a second ago. Undefined where the server has not said. */
  look(): number | undefined {
    const { clock, transport } = this.#parts;
    if (clock.elapsed() - this.#askedAt < ASK_EVERY_MS) return this.#pending;
    this.#askedAt = clock.elapsed();
    transport.streams.consumerState(this.#stream, this.#consumer).then(
      ({ pending }) => {
        this.#pending = pending;
      },
      () => {
        this.#pending = undefined;
      },
    );
    return this.#pending;
  }
}
