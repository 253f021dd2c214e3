// What writers of transports need. Service authors import from '@terabus/core'.
export { BusError } from '@terabus/messages';
export { fromSubject, toSubject } from '../topics/escape.js';
export { isHeartbeat } from '../topics/heartbeat.js';
export { toName } from '../topics/name.js';
export {
  checkedPattern,
  checkedStoreSubject,
  checkedSubject,
  checkNamespace,
  MAX_SUBJECT_BYTES,
  withNamespace,
  withoutNamespace,
} from '../topics/namespace.js';
export { LIVE, topicFor } from '../topics/own.js';
export { checkPattern, checkStorePattern, compilePattern, matches, overlaps } from '../topics/pattern.js';
export { printable } from '../topics/printable.js';
export type { Clock, Timer } from './clock.js';
export { compareStores, driftError } from './drift.js';
export { given, readEnvironment, type Variable } from './environment.js';
export { checkGroup } from './group.js';
export { checkHeaders, headersSize } from './headers.js';
export type { KeyValue, KeyValueEntry } from './key-value.js';
export type { BucketPlan, ConsumerPlan, ConsumerStart, StorePlan, StreamPlan } from './store-plan.js';
export type {
  ConsumeOptions,
  ConsumerState,
  Consuming,
  Difference,
  Expectation,
  Stored,
  StoredMessage,
  StoreMessage,
  StreamDelivery,
  StreamQuery,
  StreamState,
  Streams,
} from './streams.js';
export { systemClock } from './system-clock.js';
export type {
  Headers,
  Inbound,
  Outbound,
  SubscribeOptions,
  Transport,
  TransportPublishOptions,
  TransportSubscription,
} from './transport.js';
export { HANDED_OVER } from './transport.js';
export type { Amount, TransportEvent, TransportHealth } from './transport-health.js';
