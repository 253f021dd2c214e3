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

/** How many elements a message of this many bytes may have. */
export function maxElements(bytes: number): number {
  return Math.max(freeElements, Math.floor(bytes / minBytesPerElement));
}
