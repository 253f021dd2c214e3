/** As many bytes as are turned into one text at a time: arguments of a function lie on the stack. */
const chunk = 8_192;

/** Bytes as base64 with padding, as Python prints them. */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let start = 0; start < bytes.length; start += chunk) {
    binary += String.fromCharCode(...bytes.subarray(start, start + chunk));
  }
  return btoa(binary);
}

/**
 * The bytes of a base64 or base64url text, padded or not; undefined if it is neither. Python drops characters that
 * don't belong there; here they are refused, since a damaged text would become other bytes without a word.
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = /^([\w+/-]*)={0,2}$/.exec(text)?.[1];
  if (digits === undefined || digits.length % 4 === 1) return undefined;
  const binary = atob(digits.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
