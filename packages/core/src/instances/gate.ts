import type { Inbound } from '../transport/transport.js';

/** As many messages as a busy service gets in some seconds. */
const MOST_MESSAGES = 10_000;
const MOST_BYTES = 64 * 2 ** 20;

/** Stands in front of the handlers of an instance: closed, it holds what comes until another instance has finished. */
export class Gate {
  readonly #onFull: (inbound: Inbound) => void;
  #held: { readonly deliver: (inbound: Inbound) => void; readonly inbound: Inbound }[] = [];
  #bytes = 0;
  #open = false;
  /** What is held from here on came to this instance alone. */
  #mark: number | undefined;

  /** `onFull` gets what is not held, since there is too much already. */
  constructor(onFull: (inbound: Inbound) => void) {
    this.#onFull = onFull;
  }

  get held(): number {
    return this.#held.length;
  }

  through(deliver: (inbound: Inbound) => void): (inbound: Inbound) => void {
    return (inbound) => {
      if (this.#open) deliver(inbound);
      else this.#hold(deliver, inbound);
    };
  }

  close(): void {
    this.#open = false;
    this.#mark = undefined;
  }

  mark(): void {
    this.#mark ??= this.#held.length;
  }

  /** Hands on what is held, and from now on what comes. `atMark` is called between what came before and after it. */
  open(atMark: () => void): void {
    const held = this.#held;
    const mark = this.#mark ?? held.length;
    this.#held = [];
    this.#bytes = 0;
    this.#open = true;
    for (const { deliver, inbound } of held.slice(0, mark)) deliver(inbound);
    atMark();
    for (const { deliver, inbound } of held.slice(mark)) deliver(inbound);
  }

  #hold(deliver: (inbound: Inbound) => void, inbound: Inbound): void {
    if (this.#held.length >= MOST_MESSAGES || this.#bytes + inbound.bytes.length > MOST_BYTES) {
      this.#onFull(inbound);
      return;
    }
    this.#bytes += inbound.bytes.length;
    this.#held.push({ deliver, inbound });
  }
}
