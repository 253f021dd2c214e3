import { expectations } from './expectations.js';
import { shortName } from './names.js';
import type { Sighting } from './sighting.js';

/** Counts what is seen, and knows what is still missing. */
export class Tally {
  /** By service, then by type. */
  readonly #handled = new Map<string, Map<string, number>>();
  readonly #counts = new Map(expectations.map((each) => [each, 0]));

  add(seen: Sighting): void {
    for (const [expectation, count] of this.#counts) {
      if (expectation.matches(seen)) this.#counts.set(expectation, count + 1);
    }
    if (seen.kind !== 'handling') return;
    const types = this.#handled.get(seen.service) ?? new Map<string, number>();
    this.#handled.set(seen.service, types.set(seen.type, (types.get(seen.type) ?? 0) + 1));
  }

  /** Whether everything has been seen as often as it should. */
  get isWhole(): boolean {
    return [...this.#counts].every(([{ times }, count]) => count === times);
  }

  /** What each service handled, then each expectation with what became of it. */
  summary(): string {
    const handled = [...this.#handled].map(([service, types]) => {
      const list = [...types].sort(([, a], [, b]) => b - a).map(([type, count]) => `${type} ${count}`);
      return `  ${shortName(service).padEnd(15)} ${list.join(', ')}`;
    });
    const met = [...this.#counts].map(([{ says, times }, count]) =>
      count === times ? `  ✓ ${says} (${times})` : `  ✗ ${says} (${count} instead of ${times})`,
    );
    return ['', 'What each service handled:', ...handled.sort(), '', 'What was expected:', ...met].join('\n');
  }
}
