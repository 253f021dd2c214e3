import { BusError } from '@terabus/messages';
import type { Reporter } from '../observe/reporter.js';
import type { Inbound } from '../transport/transport.js';

/** As many messages as a busy service gets in some seconds. */
const MOST_MESSAGES = 10_000;
const MOST_BYTES = 64 * 2 ** 20;

/** Stands in front of the handlers of an instance: closed, it holds what comes until another instance has finished. */
export class Gate {
  readonly #address: string;
  readonly #reporter: Reporter;
  #held: { readonly deliver: (inbound: Inbound) => void; readonly inbound: Inbound }[] = [];
  #bytes = 0;
  #open = false;
  /** What is held from here on came to this instance alone. */
  #mark: number | undefined;

  constructor(address: string, reporter: Reporter) {
    this.#address = address;
    this.#reporter = reporter;
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
      this.#full(inbound);
      return;
    }
    this.#bytes += inbound.bytes.length;
    this.#held.push({ deliver, inbound });
  }

  #full({ topic }: Inbound): void {
    const error = new BusError(
      `${this.#address} takes over from another instance, and can't hold more than it does: '${topic}' is dropped`,
      { reason: 'TERABUS_OVERLOADED' },
    );
    this.#reporter.report(this.#address, error, { topic });
  }
}
