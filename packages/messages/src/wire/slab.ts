/** As much as Node's own pool of buffers: what is kept of it keeps the rest from being freed, 126 times as much at most. */
const slabSize = 8_192;

/** What is larger gets memory of its own. */
export const largestPart = slabSize / 4;

/** What is not larger gets memory of its own too: up to here V8 has it beside the object, which costs no more than a part. */
const largestOwn = 64;

/**
 * Memory that bytes are handed out of, one part behind the other. No part is written again after it was handed out: a
 * slab that is used up is left to those who hold parts of it.
 */
export class Slab {
  #buffer!: ArrayBuffer;
  /** The whole slab. Its holder writes behind `at`. */
  bytes!: Uint8Array<ArrayBuffer>;
  /** The same, for numbers of fixed width. */
  view!: DataView;
  /** Where the next part begins. */
  at = 0;

  constructor() {
    this.renew();
  }

  /** Leaves this slab to those who hold parts of it. */
  renew(): void {
    this.#buffer = new ArrayBuffer(slabSize);
    // Whoever transferred the buffer of one part to a worker would take the others along.
    keepFromTransfer(this.#buffer);
    this.bytes = new Uint8Array(this.#buffer);
    this.view = new DataView(this.#buffer);
    this.at = 0;
  }

  /** The part that ends here. */
  take(end: number): Uint8Array<ArrayBuffer> {
    if (end - this.at <= largestOwn) return this.bytes.slice(this.at, end);
    const part = new Uint8Array(this.#buffer, this.at, end - this.at);
    this.at = end;
    return part;
  }

  /** A copy of some bytes, which are looked at now and never again. */
  copy(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const size = to - from;
    if (size > largestPart || size <= largestOwn) return bytes.slice(from, to);
    if (this.at + size > slabSize) this.renew();
    this.bytes.set(bytes.subarray(from, to), this.at);
    return this.take(this.at + size);
  }
}

interface Threads {
  markAsUntransferable(buffer: ArrayBuffer): void;
}
const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } };
const threads = process?.getBuiltinModule?.('node:worker_threads') as Threads | undefined;

function keepFromTransfer(buffer: ArrayBuffer): void {
  threads?.markAsUntransferable(buffer);
}
