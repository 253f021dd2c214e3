// What writers of transports need. Service authors import from '@terabus/core'.
export type { Clock, Timer } from './clock.js';
export { systemClock } from './system-clock.js';
export type {
  Headers,
  Inbound,
  Outbound,
  SubscribeOptions,
  Transport,
  TransportSubscription,
} from './transport.js';
