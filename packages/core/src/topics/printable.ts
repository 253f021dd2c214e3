/** Longest piece of somebody else's text that goes into a message of ours, in characters. */
const LONGEST = 64;

/**
 * What a value was, for the message of an error: text in quotes, anything else by its type alone, so that nothing
 * is printed that could be large or secret. Safe for logs: controls, line separators and invisible characters are
 * escaped and the text is cut at 64 characters, or at `longest`.
 */
export function printable(value: unknown, longest = LONGEST): string {
  if (value === null) return 'null';
  if (typeof value !== 'string') return Array.isArray(value) ? 'an array' : typeof value;
  // Cut first: the text may be of any size.
  const text = value.slice(0, longest).replace(/[\p{C}\p{Zl}\p{Zp}"\\]/gu, escaped);
  return value.length > longest ? `"${text}…"` : `"${text}"`;
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}
