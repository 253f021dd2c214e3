/**
 * How deep messages and groups may nest below the outermost message. Python refuses what is deeper, and a decoder
 * that recurses must stop somewhere.
 */
export const maxDepth = 100;

/** As many elements as any message may have, however few bytes they take. See `minBytesPerElement`. */
const freeElements = 10_000;

/**
 * Beyond `freeElements`, a message needs this many bytes of input for each element. An element costs two bytes on
 * the wire and about 200 in memory: a megabyte of empty sub-messages would become 100 MB and stop the event loop for
 * a quarter of a second. 32 bytes is less than one UUID, which is the least that OpenTera lists.
 */
const minBytesPerElement = 32;

/** Counts the elements of a message, or of several that are decoded as parts of one. */
export class ElementCount {
  #bytes = 0;
  #spent = 0;

  /** Begins anew, with these many bytes of input. */
  begin(bytes: number): void {
    this.#bytes = bytes;
    this.#spent = 0;
  }

  /** These many bytes of input more may become elements. */
  allow(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Counts elements, and answers whether there may be so many. */
  spend(elements: number): boolean {
    this.#spent += elements;
    return this.#spent <= freeElements || this.#spent <= this.most;
  }

  /** How many elements there may be in all. */
  get most(): number {
    return Math.max(freeElements, Math.floor(this.#bytes / minBytesPerElement));
  }

  /** How many bytes of input there are. */
  get bytes(): number {
    return this.#bytes;
  }
}
