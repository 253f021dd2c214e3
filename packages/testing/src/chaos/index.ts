// Faults for tests: a proxy between clients and their server, schedules of faults that a seed replays, and a ledger of
// what became of each message.
export type { Direction } from './direction.js';
export { type CheckOptions, Ledger, type LedgerReport } from './ledger.js';
export type { ChaosProxy, ProxyOptions } from './proxy.js';
export type { Finding, LedgerCounts, Lost } from './publisher-ledger.js';
export type { Rule, RuleAction, RuleHit, RuleMessage, RuleOptions } from './rule.js';
export {
  type Fault,
  type FaultContext,
  type PerformedFault,
  type PlannedFault,
  type RunScheduleOptions,
  type Schedule,
  type ScheduleOptions,
  schedule,
} from './schedule.js';
export { chooseSeed, type Seed, type SeededRandom, seededRandom } from './seeded-random.js';
export { startProxy } from './start-proxy.js';
