import { BusError } from '@terabus/messages';
import { show } from '../contract/check.js';
import { type HeldLease, Lease, MOST_HOLD_MS } from '../durable/lease.js';
import type { Clock } from '../transport/clock.js';
import type { KeyValue } from '../transport/key-value.js';

/** Options of a lease of a service. */
export interface LeaseOptions {
  /**
   * For how many milliseconds the lease outlives its holder, from 100 to 600,000. Defaults to 10,000: it is renewed
   * every third of it, so two renewals may fail.
   */
  readonly holdMs?: number | undefined;
}

/** What the leases of a service are made of. */
export interface LeasesParts {
  /** The class, for sentences. */
  readonly name: string;
  /** Whether `@Service` says that it takes some: else nobody has planned a bucket. */
  readonly planned: boolean;
  readonly keyValue: () => KeyValue;
  readonly newId: () => string;
  readonly clock: Clock;
  /** Aborts when the drain begins. */
  readonly signal: AbortSignal;
}

/** Runs `work` while this instance holds the lease of that name, as {@link TeraService} says. */
export async function underLease<T>(
  { name: className, planned, keyValue, newId, clock, signal }: LeasesParts,
  name: string,
  work: (lease: HeldLease) => T | Promise<T>,
  options: LeaseOptions = {},
): Promise<T> {
  const { holdMs = 10_000 } = options;
  const invalid = (what: string) => new BusError(`${className}.lease ${what}`, { reason: 'TERABUS_OPTIONS_INVALID' });
  if (!planned) throw invalid(`needs a bucket, which is planned where @Service says 'leases: true'`);
  if (typeof name !== 'string' || name === '' || !name.isWellFormed()) throw invalid(`takes a name, not ${show(name)}`);
  if (!(holdMs >= 100 && holdMs <= MOST_HOLD_MS)) {
    throw invalid(`takes from 100 to ${MOST_HOLD_MS} milliseconds for 'holdMs', not ${show(holdMs)}`);
  }
  const lease = new Lease({ keyValue: keyValue(), key: `lease ${name}`, id: newId(), holdMs, clock });
  const giveUp = new AbortController();
  const onDrain = () =>
    giveUp.abort(
      new BusError(`${className} is draining and takes the lease '${name}' no more`, { reason: 'TERABUS_DRAINING' }),
    );
  if (signal.aborted) onDrain();
  else signal.addEventListener('abort', onDrain, { once: true });
  try {
    await lease.acquire(giveUp.signal);
  } finally {
    signal.removeEventListener('abort', onDrain);
  }
  try {
    const result = await work(lease);
    lease.signal.throwIfAborted();
    return result;
  } finally {
    await lease.release();
  }
}
