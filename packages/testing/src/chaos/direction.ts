/** The way of bytes through a proxy: to the server what clients send, to the client what the server sends. */
export type Direction = 'to-server' | 'to-client';

/** @throws TypeError for anything else */
export function checkDirection(direction: unknown, others: readonly string[] = []): void {
  const known = ['to-server', 'to-client', ...others];
  if (known.includes(direction as string)) return;
  throw new TypeError(`${JSON.stringify(direction)} is no direction: there are ${known.join(', ')}.`);
}
