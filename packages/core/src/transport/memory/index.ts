// The bus in one process, and time that a test moves: nothing to install, nothing to wait for.
export { systemClock } from '../system-clock.js';
export { turn } from './event-loop.js';
export type { Crossing } from './exchange.js';
export { MemoryBroker, type MemoryBrokerOptions } from './memory-broker.js';
export { type Bustling, VirtualClock } from './virtual-clock.js';
