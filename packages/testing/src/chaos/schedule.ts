import { type Clock, systemClock } from '@terabus/core/transport';
import { chooseSeed, type Seed, type SeededRandom, seededRandom } from './seeded-random.js';

/** What a fault of a {@link Schedule} gets. */
export interface FaultContext {
  /** Which step of the plan it is, from 1. */
  readonly n: number;
  /** For what the fault chooses, such as how long a pause lasts: of this step alone, so that a replay chooses alike. */
  readonly random: SeededRandom;
  /** Ends with the run: a fault that takes long should look at it. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds by the clock of the run, or when the run is to end. */
  wait(ms: number): Promise<void>;
}

/** Does something bad, and resolves when it is done. It heals it too, unless later faults are to find it. */
export type Fault = (context: FaultContext) => void | Promise<void>;

/** Options of {@link schedule}. */
export interface ScheduleOptions {
  /** By default a new one. `TERABUS_SEED` in the environment wins over it. */
  readonly seed?: Seed;
  /**
   * What may happen, by name: a function, or a function with its weight. One of weight 3 is chosen three times as often
   * as one of weight 1, which is the default. `calm: () => {}` leaves some steps in peace.
   */
  readonly faults: Readonly<Record<string, Fault | { readonly weight: number; readonly run: Fault }>>;
  /** Between the end of one fault and the start of the next; two numbers for something in between. In milliseconds. */
  readonly everyMs: number | readonly [least: number, most: number];
  /** How many faults there are. */
  readonly count: number;
}

/** One fault of a plan. */
export interface PlannedFault {
  /** From 1. */
  readonly n: number;
  readonly fault: string;
  /** Since the end of the one before, or since the start of the run. */
  readonly waitMs: number;
}

/** A fault that was performed. */
export interface PerformedFault extends PlannedFault {
  /** Since the start of the run. */
  readonly startedMs: number;
  readonly tookMs: number;
}

/** How {@link Schedule.run} runs. */
export interface RunScheduleOptions {
  /** By default that of the machine. */
  readonly clock?: Clock;
  /** Ends the run before the next fault. */
  readonly signal?: AbortSignal;
  /** Gets the line that names the seed, before the first fault. By default it goes to standard error. */
  readonly print?: (line: string) => void;
}

/** Faults in an order that a seed decides. */
export interface Schedule {
  readonly seed: string;
  readonly plan: readonly PlannedFault[];
  /**
   * Performs the plan, one fault after the other, and resolves with what was done: all of it, or what came before the
   * signal. Rejects with an `Error` that names fault and seed when a fault throws; `cause` is what it threw.
   */
  run(options?: RunScheduleOptions): Promise<readonly PerformedFault[]>;
  /** The plan in one line, for people. */
  toString(): string;
}

/**
 * Makes a plan of faults. The same seed gives the same plan, for the same options; names count, functions don't.
 *
 * Throws a `RangeError` when there is no fault, or a number makes no sense.
 */
export function schedule(options: ScheduleOptions): Schedule {
  const seed = chooseSeed(options.seed);
  const faults = new Map(
    Object.entries(options.faults).map(([name, fault]) => [
      name,
      typeof fault === 'function' ? { weight: 1, run: fault } : fault,
    ]),
  );
  const weights = new Map([...faults].map(([name, { weight }]) => [name, weight]));
  const plan = makePlan(seed, weights, options);
  const replay = `TERABUS_SEED=${seed} replays these ${plan.length} faults`;

  async function run({ clock = systemClock, signal, print = console.error }: RunScheduleOptions = {}) {
    print(`${replay}.`);
    const begun = clock.elapsed();
    const ending = signal ?? new AbortController().signal;
    const done: PerformedFault[] = [];
    for (const step of plan) {
      await wait(clock, step.waitMs, ending);
      if (ending.aborted) break;
      const startedMs = clock.elapsed() - begun;
      const { n, fault } = step;
      try {
        await faults.get(fault)?.run({
          n,
          random: seededRandom(seed).fork(`step ${n}`),
          signal: ending,
          wait: (ms) => wait(clock, ms, ending),
        });
      } catch (cause) {
        throw new Error(`fault ${n}, '${fault}', failed (${replay}): ${cause}`, { cause });
      }
      done.push({ ...step, startedMs, tookMs: clock.elapsed() - begun - startedMs });
    }
    return done;
  }

  return {
    seed,
    plan,
    run,
    toString: () => `seed ${seed}: ${plan.map(({ fault, waitMs }) => `${waitMs} ms, ${fault}`).join('; ')}`,
  };
}

function makePlan(
  seed: string,
  weights: ReadonlyMap<string, number>,
  { everyMs, count }: ScheduleOptions,
): readonly PlannedFault[] {
  const [least, most] = typeof everyMs === 'number' ? [everyMs, everyMs] : everyMs;
  if (!(Number.isSafeInteger(least) && Number.isSafeInteger(most) && least >= 0 && least <= most)) {
    throw new RangeError(
      `everyMs is ${JSON.stringify(everyMs)}: whole milliseconds are needed, the shorter time first.`,
    );
  }
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`count is ${count}: at least one fault is needed.`);
  const random = seededRandom(seed).fork('plan');
  const choose = weighted(weights);
  return Array.from({ length: count }, (_, i) => ({
    n: i + 1,
    fault: choose(random.next()),
    waitMs: random.integer(least, most),
  }));
}

function weighted(weights: ReadonlyMap<string, number>): (draw: number) => string {
  for (const [name, weight] of weights) {
    if (!(Number.isFinite(weight) && weight >= 0)) {
      throw new RangeError(`the weight of '${name}' is ${weight}: a number of 0 or more is needed.`);
    }
  }
  // In the order of their names, so that a plan does not depend on the order in which they were written down.
  const possible = [...weights].filter(([, weight]) => weight > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const total = possible.reduce((sum, [, weight]) => sum + weight, 0);
  if (total === 0) throw new RangeError('faults has none that could be chosen.');
  return (draw) => {
    let left = draw * total;
    const found = possible.find(([, weight]) => {
      left -= weight;
      return left < 0;
    });
    return (found ?? (possible.at(-1) as [string, number]))[0];
  };
}

function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    signal.addEventListener('abort', end);
  });
}
