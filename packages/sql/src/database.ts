/**
 * One statement with its parameters (`$1`, `$2`, …), inside of a transaction. Rejects when it fails. What this package
 * passes and reads are texts, whole numbers, booleans and null, also where the server looks at a parameter: no driver has
 * to be told of types.
 */
export type Query = (
  text: string,
  parameters?: readonly unknown[],
) => Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;

/** The port to PostgreSQL: a driver, or whatever wraps one. */
export interface Database {
  /**
   * Runs `work` in a transaction of its own on one connection. Commits when `work` resolves, and resolves with the
   * same when that is done; rolls back and rejects when `work` rejects or the commit fails.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
}
