/** A number beyond this one is nobody's: it would only cost memory. */
export const MAX_NUMBER = 2 ** 24;

/** `<publisher>-<n>` in its parts, or undefined. The publisher's name may have dashes. */
export function splitId(id: string): { readonly publisher: string; readonly n: number } | undefined {
  const dash = id.lastIndexOf('-');
  const digits = id.slice(dash + 1);
  const n = Number(digits);
  if (dash < 1 || !/^[1-9]\d{0,7}$/.test(digits) || n > MAX_NUMBER) return undefined;
  return { publisher: id.slice(0, dash), n };
}
