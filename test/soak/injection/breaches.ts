import { BusError } from '@terabus/core';

/** What came of cases: how many there were, and those that got through. */
export class Breaches {
  cases = 0;
  /** Cases that were refused, and those that were made harmless and arrived where they should. */
  refused = 0;
  harmless = 0;
  readonly found: string[] = [];

  /** Runs what is to be refused with a `BusError`, or to work. Answers whether it worked. */
  async attempt(what: string, run: () => unknown): Promise<boolean> {
    this.cases += 1;
    try {
      await run();
      return true;
    } catch (error) {
      if (BusError.is(error)) this.refused += 1;
      else this.report(what, `threw ${error instanceof Error ? error.name : typeof error}, which is no BusError`);
      return false;
    }
  }

  report(what: string, why: string): void {
    this.found.push(`${JSON.stringify(what.slice(0, 200))}: ${why}`);
  }

  add(others: Breaches): void {
    this.cases += others.cases;
    this.refused += others.refused;
    this.harmless += others.harmless;
    this.found.push(...others.found);
  }
}
