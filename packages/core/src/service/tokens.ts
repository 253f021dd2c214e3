import type { Logger as PinoLogger } from 'pino';
import type { Clock as ClockPort } from '../transport/clock.js';
import type { Bus as ServiceBus } from './bus.js';

// What inversify finds for a service and its parts: `@inject(Bus) private readonly bus: Bus`. Each is a token and a
// type of one name.

/** The bus of the service that a part is built for. Use it from `onStart` on, not in a constructor. */
export const Bus = Symbol.for('@terabus/core/Bus');
export type Bus = ServiceBus;

/** The logger of the service that a part is built for (pino). */
export const Logger = Symbol.for('@terabus/core/Logger');
export type Logger = PinoLogger;

/** The clock of the host: the machine's, or a virtual one in tests. */
export const Clock = Symbol.for('@terabus/core/Clock');
export type Clock = ClockPort;

/** The configuration that the host was started with: whatever the application put there. */
export const Config = Symbol.for('@terabus/core/Config');
export type Config = Readonly<Record<string, unknown>>;
