import { setTimeout as pause } from 'node:timers/promises';

/** Tries again until `assertion` holds; after ten seconds (mocha gives a test twenty), throws what it threw last. For what nobody announces. */
export async function eventually(assertion: () => void | Promise<void>): Promise<void> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await pause(5);
  }
}
