import { BusError } from '@terabus/messages';
import type { ServicePlan } from '../contract/contract-of.js';
import { driftError } from '../transport/drift.js';
import type { Expectation } from '../transport/streams.js';
import type { Transport } from '../transport/transport.js';
import { planStreams, type StorePlanOptions } from './plan-streams.js';

/**
 * Compares what services need with what is there, and has it looked after until the returned expectation ends.
 *
 * @throws BusError `TERABUS_STORE_DRIFT`, naming each field with what is wanted and what was found
 */
export async function expectStore(
  transport: Transport,
  plans: readonly ServicePlan[],
  options: StorePlanOptions,
): Promise<Pick<Expectation, 'end'>> {
  const plan = planStreams(plans, options);
  if (plan.streams.length + plan.buckets.length === 0) return { end: () => undefined };
  const expectation = await transport.streams.expect(plan);
  if (expectation.differences.length === 0) return expectation;
  expectation.end();
  const drift = driftError(expectation.differences);
  throw new BusError(
    `${drift.rawMessage}. A service changes nothing there: run provision with planStreams of these services, or say in the host's option 'store' with which options it was run`,
    { reason: 'TERABUS_STORE_DRIFT', details: drift.details },
  );
}
