import type { Contract, ServiceClass, ServicePlan } from '@terabus/core';
import { contractOf, planStreams } from '@terabus/core';
import type { StorePlan } from '@terabus/core/transport';

/** The streams of services, and of the contracts that they use, whoever would serve those. */
export function storePlanOf(services: readonly ServiceClass[]): StorePlan {
  const plans = services.map(contractOf);
  const served = new Set(plans.map(({ contract }) => contract.address));
  const used = new Map<string, Contract>();
  for (const each of plans.flatMap(({ uses }) => uses)) {
    if ((each.kind === 'module' || each.kind === 'service') && !served.has(each.address)) used.set(each.address, each);
  }
  return planStreams([...plans, ...[...used.values()].map(unserved)]);
}

const unserved = (contract: Contract): ServicePlan => ({
  name: contract.address,
  contract,
  uses: [],
  groups: [],
  methods: new Map(),
  leases: false,
  rpc: { concurrency: 1, timeoutMs: 1, abandonAfterMs: 1, maxQueued: 1, maxQueuedBytes: 1 },
});
