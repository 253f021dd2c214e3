import { BusError } from '@terabus/messages';
import { driftError } from '../drift.js';
import type { StorePlan } from '../store-plan.js';
import type { Difference, Expectation } from '../streams.js';
import type { TransportEvent } from '../transport-health.js';
import type { MemoryStore } from './store.js';

/** The plans that a connection looks after, and how what is there differs from them. */
export class Expectations {
  readonly #store: MemoryStore;
  readonly #emit: (event: TransportEvent) => void;
  readonly #plans = new Set<StorePlan>();
  #problems = new Map<string, BusError>();
  #endWatch: (() => void) | undefined;
  #isUp = true;

  constructor(store: MemoryStore, emit: (event: TransportEvent) => void) {
    this.#store = store;
    this.#emit = emit;
  }

  get problems(): readonly BusError[] {
    return [...this.#problems.values()];
  }

  add(plan: StorePlan): Expectation {
    // An object of its own: the same plan may be expected twice.
    const own = { ...plan };
    this.#plans.add(own);
    this.#endWatch ??= this.#store.watch(() => this.#look());
    this.#look();
    return {
      differences: this.#store.compare(plan),
      end: () => {
        this.#plans.delete(own);
        this.#look();
      },
    };
  }

  /** The link is lost: nobody sees what comes and goes. */
  interrupt(): void {
    this.#isUp = false;
  }

  /** The link is back. */
  restore(): void {
    this.#isUp = true;
    this.#look();
  }

  /** Compares, and tells what has come and gone. */
  #look(): void {
    if (!this.#isUp) return;
    const before = this.#problems;
    this.#problems = new Map();
    for (const difference of [...this.#plans].flatMap((plan) => this.#store.compare(plan))) {
      const key = JSON.stringify(difference);
      this.#problems.set(key, before.get(key) ?? this.#problems.get(key) ?? problem(difference));
    }
    for (const [key, error] of before) if (!this.#problems.has(key)) this.#emit({ kind: 'solved', error });
    for (const [key, error] of this.#problems) if (!before.has(key)) this.#emit({ kind: 'problem', error });
  }

  /** The connection ends. */
  end(): void {
    this.#endWatch?.();
    this.#plans.clear();
    this.#problems = new Map();
  }
}

function problem(difference: Difference): BusError {
  const { where, field } = difference;
  if (field !== undefined) return driftError([difference]);
  const reason = where.startsWith('stream')
    ? 'TERABUS_STREAM_MISSING'
    : where.startsWith('consumer')
      ? 'TERABUS_CONSUMER_MISSING'
      : 'TERABUS_BUCKET_MISSING';
  return new BusError(`${where} is missing`, { reason, details: { where } });
}
