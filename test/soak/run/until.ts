import { setTimeout as pause } from 'node:timers/promises';

/** Resolves with true as soon as something is so, with false when it was not so for `timeoutMs`. */
export async function until(isSo: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() > deadline) return false;
    await pause(5);
  }
}
