import type { Case } from '../cases/case.js';

/** How a variant is asked for: `events/200B`. */
const pathOf = (one: Case, variant: string): string => `${one.name}/${variant.replaceAll(' ', '')}`;

/** Everything that may be asked for: cases, and variants of them. */
export const pathsOf = (cases: readonly Case[]): readonly string[] =>
  cases.flatMap((one) => [one.name, ...one.variants.map(({ name }) => pathOf(one, name))]);

/** What was asked for: the cases in their own order, with the variants that were asked for. */
export function filtered(cases: readonly Case[], paths: readonly string[] | undefined): readonly Case[] {
  if (paths === undefined) return cases;
  return cases.flatMap((one) => {
    const variants = paths.includes(one.name)
      ? one.variants
      : one.variants.filter(({ name }) => paths.includes(pathOf(one, name)));
    return variants.length === 0 ? [] : [{ ...one, variants }];
  });
}
