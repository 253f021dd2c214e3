import { setTimeout as pause } from 'node:timers/promises';

/**
 * Tries again until `assertion` holds; after ten seconds (mocha gives a test twenty) or `patienceMs`, throws what it threw
 * last. For what nobody announces.
 */
export async function eventually(assertion: () => void | Promise<void>, patienceMs = 10_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await pause(5);
  }
}
