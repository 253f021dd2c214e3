/** Runs so many, so many of them at a time. Resolves with how many milliseconds it took. */
export async function atMost(number: number, most: number, run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  let begun = 0;
  const worker = async () => {
    while (begun < number) {
      begun += 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: most }, worker));
  return performance.now() - begin;
}
