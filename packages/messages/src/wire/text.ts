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

/** An input up to here becomes one text, of which those in it are parts: a part that is kept keeps so much at most. */
const smallInput = 256;

/** Reads the texts of one input after the other. */
export class Texts {
  /** The whole input, each byte as a character. */
  #whole: string | undefined;

  /** Lets go of the input: what is read next is of another one. */
  forget(): void {
    this.#whole = undefined;
  }

  /**
   * The text in these bytes of the input.
   * @throws TypeError for what is not UTF-8.
   */
  read(input: Uint8Array, from: number, to: number): string {
    if (latin1Slice === undefined || to - from > shortText || !isAscii(input, from, to)) {
      return decoder.decode(input.subarray(from, to));
    }
    if (input.length > smallInput) return latin1Slice.call(input, from, to);
    this.#whole ??= latin1Slice.call(input, 0, input.length);
    return this.#whole.substring(from, to);
  }
}

/** Longer ones are not remembered. */
const longestRemembered = 256;

/** What is mostly the text that was read there last: then no other one is made. */
export class RecentText {
  readonly #bytes = new Uint8Array(longestRemembered);
  #length = 0;
  #text = '';

  /**
   * The text in these bytes of the input.
   * @throws TypeError for what is not UTF-8.
   */
  read(input: Uint8Array, from: number, to: number): string {
    const length = to - from;
    if (length === this.#length && isSame(this.#bytes, input, from, to)) return this.#text;
    if (length > longestRemembered) return textOf(input, from, to);
    this.#length = -1;
    for (let index = 0; index < length; index++) this.#bytes[index] = input[from + index] as number;
    // Of these bytes, not of the input's, which somebody else may write to.
    this.#text = textOf(this.#bytes, 0, length);
    this.#length = length;
    return this.#text;
  }
}

/** The end first: there most texts differ that stand in one place. */
function isSame(known: Uint8Array, input: Uint8Array, from: number, to: number): boolean {
  if (to > from && known[to - from - 1] !== input[to - 1]) return false;
  let bits = 0;
  let index = 0;
  let at = from;
  // Eight at a time, as in `isAscii`.
  for (; at <= to - 8; at += 8, index += 8) {
    bits |= (known[index] as number) ^ (input[at] as number);
    bits |= (known[index + 1] as number) ^ (input[at + 1] as number);
    bits |= (known[index + 2] as number) ^ (input[at + 2] as number);
    bits |= (known[index + 3] as number) ^ (input[at + 3] as number);
    bits |= (known[index + 4] as number) ^ (input[at + 4] as number);
    bits |= (known[index + 5] as number) ^ (input[at + 5] as number);
    bits |= (known[index + 6] as number) ^ (input[at + 6] as number);
    bits |= (known[index + 7] as number) ^ (input[at + 7] as number);
  }
  for (; at < to; at++, index++) bits |= (known[index] as number) ^ (input[at] as number);
  return bits === 0;
}

/** Whether these bytes are this text, which may be any. False also for what is more than ASCII. */
export function isText(text: string, input: Uint8Array, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let at = to - 1; at >= from; at--) {
    const byte = input[at] as number;
    if (byte > 0x7f || byte !== text.charCodeAt(at - from)) return false;
  }
  return true;
}

/** A text of its own, which keeps nothing else. */
function textOf(input: Uint8Array, from: number, to: number): string {
  if (latin1Slice === undefined || !isAscii(input, from, to)) return decoder.decode(input.subarray(from, to));
  return latin1Slice.call(input, from, to);
}

/** Eight bytes at a time: twice as fast as one by one. */
function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  let bits = 0;
  let at = from;
  for (const last = to - 8; at <= last; at += 8) {
    bits |= (bytes[at] as number) | (bytes[at + 1] as number) | (bytes[at + 2] as number) | (bytes[at + 3] as number);
    bits |=
      (bytes[at + 4] as number) | (bytes[at + 5] as number) | (bytes[at + 6] as number) | (bytes[at + 7] as number);
  }
  for (; at < to; at++) bits |= bytes[at] as number;
  return bits < 0x80;
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
