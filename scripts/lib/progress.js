/** A step that is done sooner has nothing to say. */
const longMs = 700;

/**
 * Does a step and prints one line for it when it is long: what it does, at once, and how long it took, at its end.
 *
 * @template T
 * @param {string} label as in `Installing packages`
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(label, work) {
  const begin = performance.now();
  let shown = false;
  const timer = setTimeout(() => {
    shown = true;
    process.stderr.write(`${label} … `);
  }, longMs);
  try {
    const result = await work();
    if (shown) process.stderr.write(`${seconds(begin)}\n`);
    return result;
  } catch (error) {
    if (shown) process.stderr.write(`failed after ${seconds(begin)}\n`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The time since `begin`, as in `2.3 s`.
 *
 * @param {number} begin a `performance.now()`
 */
export const seconds = (begin) => `${((performance.now() - begin) / 1000).toFixed(1)} s`;
