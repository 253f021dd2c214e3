// What writers of transports need. Service authors import from '@terabus/core'.
export { BusError } from '@terabus/messages';
export {
  checkedPattern,
  checkedSubject,
  checkNamespace,
  checkPattern,
  compilePattern,
  fromSubject,
  MAX_SUBJECT_BYTES,
  matches,
  toName,
  toSubject,
  withNamespace,
  withoutNamespace,
} from '../topics/index.js';
export { printable } from '../topics/printable.js';
export type { Clock, Timer } from './clock.js';
export { checkGroup } from './group.js';
export { checkHeaders, headersSize } from './headers.js';
export { systemClock } from './system-clock.js';
export type {
  Headers,
  Inbound,
  Outbound,
  SubscribeOptions,
  Transport,
  TransportSubscription,
} from './transport.js';
