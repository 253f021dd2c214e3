import { devNull } from 'node:os';
import {
  type CoreDeliveryOptions,
  type Host,
  type Logger,
  logging,
  type Middleware,
  type ServiceClass,
  type ServiceOptions,
  startHost,
  uuid,
  validation,
} from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { z } from 'zod';
import { DEVICES } from '../../process/content.js';

/** What is switched on. */
export interface Flavor {
  readonly middlewares: readonly Middleware[];
  readonly logger: Logger;
  /** How messages run. */
  readonly delivery: CoreDeliveryOptions<DeviceEvent>;
  /** How calls run. */
  readonly calls: NonNullable<ServiceOptions['rpc']>;
  readonly busyPolling: boolean;
}

/** Where lines of log go: a file that takes and forgets them, written as a service writes to its standard output. */
const nowhere = () => pino.destination({ dest: devNull, sync: false });

/** As a service is that says nothing. */
export const bare = (): Flavor => ({
  middlewares: [],
  logger: pino({ level: 'info' }, nowhere()),
  delivery: {},
  calls: {},
  busyPolling: true,
});

/** The same, whose caller falls asleep until its answer comes. */
export const asleep = (): Flavor => ({ ...bare(), busyPolling: false });

/**
 * With validation, logging, timeouts and keyed concurrency.
 *
 * @param level of the line for each message: 'debug' is `logging`'s own, which a service in production leaves unwritten;
 * with 'info' it is written
 */
export const full = (level: 'debug' | 'info'): Flavor => ({
  middlewares: [logging({ level }), validation([DeviceEvent, deviceEvent])],
  logger: pino({ level: 'info' }, nowhere()),
  delivery: { key: ({ deviceUuid }) => deviceUuid, concurrency: DEVICES, timeoutMs: 5_000 },
  calls: { concurrency: DEVICES, timeoutMs: 5_000 },
  busyPolling: true,
});

const deviceEvent = z.object({
  deviceUuid: z.union([uuid, z.literal('')]),
  deviceName: z.string().min(1).max(100),
  deviceStatus: z.string().max(100_000),
});

/** Starts services over NATS. */
export async function start(url: string, services: readonly ServiceClass[], flavor: Flavor): Promise<Host> {
  const { middlewares, logger, busyPolling } = flavor;
  const transport = await connectNats({ servers: url, busyPolling });
  return startHost({ transport, services, middlewares, logger });
}
