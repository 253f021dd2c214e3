import type { ServiceClass } from '@terabus/core';
import { Container } from 'inversify';
import { creators, entries } from '../device-simulator/cast.js';
import { Directory, InMemoryDirectory } from '../directory/directory.js';
import { LogSink } from '../logger/log-sink.js';
import { InMemorySessionStore, SessionStore } from '../session-manager/session-store.js';

/** The services of the example, in the order in which they start: the simulator finds the others there. */
const loaders = {
  logger: async () => (await import('../logger/logger.service.js')).LoggerService,
  'user-manager': async () => (await import('../user-manager/user-manager.service.js')).UserManagerService,
  'session-manager': async () => (await import('../session-manager/session-manager.service.js')).SessionManagerService,
  simulator: async () => (await import('../device-simulator/device-simulator.service.js')).DeviceSimulatorService,
} as const satisfies Record<string, () => Promise<ServiceClass>>;

export type PartName = keyof typeof loaders;
export const partNames = Object.keys(loaders) as readonly PartName[];
export const isPartName = (text: string | undefined): text is PartName => text !== undefined && text in loaders;

export const loadPart = (name: PartName): Promise<ServiceClass> => loaders[name]();

/** What the services ask for: names and sessions in memory, and a place for the lines of the log. */
export function makeContainer(sink: LogSink): Container {
  const container = new Container();
  container.bind(Directory).toConstantValue(new InMemoryDirectory(entries));
  container.bind(SessionStore).toConstantValue(new InMemorySessionStore(creators));
  container.bind(LogSink).toConstantValue(sink);
  return container;
}
