/** What Node's buffers do to texts without an object for each; browsers have `TextEncoder` and `TextDecoder` alone. */
interface NativeText {
  latin1Slice?(this: Uint8Array, from: number, to: number): string;
  utf8Write?(this: Uint8Array, text: string, at: number, most: number): number;
}
const native: NativeText | undefined = (globalThis as { Buffer?: { prototype: object } }).Buffer?.prototype;
const latin1Slice = native?.latin1Slice;
const utf8Write = native?.utf8Write;

const encoder = new TextEncoder();
// A byte order mark at the start of a string belongs to it: Python keeps it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Up to here, a loop over the bytes and one native call cost less than a decoder and the view that it needs. */
const shortText = 96;

/**
 * The text in these bytes.
 * @throws TypeError for what is not UTF-8.
 */
export function readText(bytes: Uint8Array, from: number, to: number): string {
  if (from === to) return '';
  if (latin1Slice !== undefined && to - from <= shortText) {
    let bits = 0;
    for (let at = from; at < to; at++) bits |= bytes[at] as number;
    if (bits < 0x80) return latin1Slice.call(bytes, from, to);
  }
  return decoder.decode(bytes.subarray(from, to));
}

/** Writes as much of a text as whole characters of it fit in `most` bytes, and returns how many they took. */
export function writeText(text: string, bytes: Uint8Array, at: number, most: number): number {
  if (utf8Write !== undefined) return utf8Write.call(bytes, text, at, most);
  return encoder.encodeInto(text, bytes.subarray(at, at + most)).written;
}

/** `String.isWellFormed` is newer than some browsers and than the ES2023 library. */
export function isWellFormed(text: string): boolean {
  return (text as { isWellFormed?(): boolean }).isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);
}
