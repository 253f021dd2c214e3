import { BusError } from '@terabus/messages';
import type { Logger } from 'pino';
import type { ServicePlan } from '../contract/contract-of.js';
import type { Clock } from '../transport/clock.js';
import { driftError } from '../transport/drift.js';
import type { Expectation } from '../transport/streams.js';
import type { Transport } from '../transport/transport.js';
import { Filling } from './filling.js';
import { planStreams, type StorePlanOptions } from './plan-streams.js';

/**
 * Compares what services need with what is there, and has it looked after, and how full it is, until the returned
 * expectation ends.
 *
 * @throws BusError `TERABUS_STORE_DRIFT`, naming each field with what is wanted and what was found
 */
export async function expectStore(
  parts: { readonly transport: Transport; readonly clock: Clock; readonly logger: Logger },
  plans: readonly ServicePlan[],
  options: StorePlanOptions,
): Promise<Pick<Expectation, 'end'>> {
  const plan = planStreams(plans, options);
  if (plan.streams.length + plan.buckets.length === 0) return { end: () => undefined };
  const expectation = await parts.transport.streams.expect(plan);
  if (expectation.differences.length === 0) {
    const filling = new Filling(parts, plan.streams).start();
    return {
      end: () => {
        filling.end();
        expectation.end();
      },
    };
  }
  expectation.end();
  const drift = driftError(expectation.differences);
  throw new BusError(
    `${drift.rawMessage}. A service changes nothing there: run provision with planStreams of these services, or say in the host's option 'store' with which options it was run`,
    { reason: 'TERABUS_STORE_DRIFT', details: drift.details },
  );
}
