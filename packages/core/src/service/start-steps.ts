import { BusError } from '@terabus/messages';
import type { ServicePlan } from '../contract/contract-of.js';

/** The steps of a start, as sentences tell of one that takes too long, and of one that fails. */
export const STEP = {
  build: { doing: 'being built', failed: 'could not be built' },
  onStart: { doing: 'in onStart', failed: 'failed in onStart' },
  store: { doing: 'looking at what is stored', failed: "can't read what is stored" },
  prepareRequests: { doing: 'preparing for answers', failed: 'may not receive answers' },
  subscribe: { doing: 'subscribing', failed: 'could not subscribe' },
  onReady: { doing: 'in onReady', failed: 'failed in onReady' },
} as const;
export type Step = (typeof STEP)[keyof typeof STEP];

export const startGivenUp = (signal: AbortSignal | undefined) =>
  new BusError('the start was given up', { reason: 'TERABUS_START_FAILED', code: 'CANCELLED', cause: signal?.reason });

/** Errors that say it all. */
const KEPT: ReadonlySet<string> = new Set(['TERABUS_SERVICE_INVALID', 'TERABUS_STORE_DRIFT']);

/** Names the service and the step in what a step throws. */
export async function failingAs<T>(plan: ServicePlan, what: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (BusError.is(error) && KEPT.has(error.reason ?? '')) throw error;
    const known = BusError.from(error);
    throw new BusError(`${plan.name} ${what}: ${known.rawMessage}`, {
      reason: 'TERABUS_START_FAILED',
      code: BusError.is(error) ? known.code : 'FAILED_PRECONDITION',
      cause: error,
    });
  }
}
