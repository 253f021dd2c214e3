import type { Written } from './writers-process.js';

/** The acknowledged messages that are not in a set, as `<writer>-<n>`. */
export function missingOf(written: readonly Written[], seen: ReadonlySet<string>): readonly string[] {
  return written.flatMap(({ writer, attempted, unknown, refused }) => {
    const inDoubt = new Set([...unknown, ...refused]);
    return Array.from({ length: attempted }, (_, n) => n + 1)
      .filter((n) => !inDoubt.has(n) && !seen.has(`${writer}-${n}`))
      .map((n) => `${writer}-${n}`);
  });
}
