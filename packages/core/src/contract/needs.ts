import type { Contract } from './contract.js';
import type { ServicePlan } from './contract-of.js';

/** Where the instances of one service talk to each other. */
export interface InstanceTopics {
  /** A request to the active instance: only it is subscribed, so that nobody there is known at once. */
  readonly claim: string;
  /** A request to a standby, from the active instance that is about to end: only standbys are subscribed. */
  readonly standby: string;
  /** What each instance tells all others. */
  readonly news: string;
}

/**
 * The topics on which the instances of a service with `instances: 'one'` talk to each other; undefined for 'many'.
 * Each instance publishes and subscribes to all of them, makes requests, and answers them.
 */
export function instanceTopics({
  address,
  instances,
}: Pick<Contract, 'address' | 'instances'>): InstanceTopics | undefined {
  if (instances !== 'one') return undefined;
  const topic = (name: string) => `${address}.instances.${name}`;
  return { claim: topic('claim'), standby: topic('standby'), news: topic('news') };
}

/**
 * Whether a service makes requests, and so needs a place where answers may come to: calls of what it uses,
 * and the talk of its instances.
 */
export function makesRequests({ contract, uses }: ServicePlan): boolean {
  return (
    instanceTopics(contract) !== undefined ||
    uses.some((used) => used.kind === 'rpc' || ('rpc' in used && Object.keys(used.rpc).length > 0))
  );
}
