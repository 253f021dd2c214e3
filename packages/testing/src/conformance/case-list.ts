import { it } from 'mocha';
import type { Features } from './features.js';

/** One case of a conformance suite, for one transport. */
export interface ConformanceCase {
  /** What was adopted: the contract of the port, of its part that stores, or of services over it. */
  readonly suite: 'transport' | 'streams' | 'services';
  /** The name it was adopted under: `memory`, `nats`. */
  readonly over: string;
  /** Its title, with the titles of what it stands in. */
  readonly title: string;
  /** Whether it is run: whether what it needs is promised. */
  readonly runs: boolean;
}

const cases: ConformanceCase[] = [];

/**
 * The cases of all suites that were adopted so far in this process, for whoever wants to see that each of them is run
 * somewhere, or to print what is promised over which transport.
 */
export function conformanceCases(): readonly ConformanceCase[] {
  return [...cases];
}

const notPromised = new WeakSet<Mocha.Test>();

/** An `it` for cases that need a feature: where it is not promised the case is listed, and not run. */
export function givenBy(features: Features) {
  return (feature: keyof Features) =>
    (title: string, story: () => Promise<void>): void => {
      const test = it(title, story);
      if (!features[feature]) notPromised.add(test);
    };
}

/**
 * Writes down the cases below a mocha suite, and takes those out that need what is not promised: a skipped test would
 * fail the run, and a test that does nothing would pass it.
 */
export function listCases(
  suite: ConformanceCase['suite'],
  over: string,
  root: Mocha.Suite,
  into: ConformanceCase[] = cases,
): void {
  const depth = root.titlePath().length;
  const walk = (parent: Mocha.Suite) => {
    for (const test of parent.tests) {
      into.push({ suite, over, title: test.titlePath().slice(depth).join(': '), runs: !notPromised.has(test) });
    }
    parent.tests = parent.tests.filter((test) => !notPromised.has(test));
    for (const child of parent.suites) walk(child);
  };
  walk(root);
}

/** The cases that no transport runs, by suite and title. */
export function neverRun(list: readonly ConformanceCase[]): readonly string[] {
  const name = ({ suite, title }: ConformanceCase) => `${suite}: ${title}`;
  const run = new Set(list.filter(({ runs }) => runs).map(name));
  return [...new Set(list.map(name))].filter((each) => !run.has(each));
}
