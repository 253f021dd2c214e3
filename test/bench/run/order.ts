/**
 * The order of a round: the next one begins where this one has its second, so that nobody is always first, and nobody
 * always comes behind the same.
 */
export function inRound<T>(items: readonly T[], round: number): readonly T[] {
  const first = items.length === 0 ? 0 : round % items.length;
  const turned = [...items.slice(first), ...items.slice(0, first)];
  return Math.floor(round / Math.max(items.length, 1)) % 2 === 0 ? turned : turned.reverse();
}
