/** The value in the middle; between two, their mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The times that 50 and 99 of 100 do not exceed. Sorts what it is given. */
export function quantiles(values: Float64Array): { p50: number; p99: number } {
  values.sort();
  const at = (share: number) => values[Math.ceil(values.length * share) - 1] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}
