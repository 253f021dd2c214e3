import { randomBytes } from 'node:crypto';
import type { ServiceClass } from '@terabus/core';
import { Bus, defineService, Service, startHost, TeraService } from '@terabus/core';
import type { Clock } from '@terabus/core/transport';
import { systemClock } from '@terabus/core/transport';
import { connectNats } from '@terabus/nats';
import type { NatsServer } from '@terabus/testing';
import { type Container, inject } from 'inversify';
import { pino } from 'pino';
import { Database } from '../contracts/database.contract.js';
import { Logging, logLines } from '../contracts/logging.contract.js';
import { VideoRehab } from '../contracts/session-manager.contract.js';
import { signalling } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { Recorder } from './recorder.js';

const Tester = defineService('Tester', {});

/** Whoever talks to the service under test: sockets, web pages, other services. */
@Service(Tester, {
  uses: [UserManager, UserManager.events, VideoRehab, Logging, Database.events, signalling, logLines],
})
class TesterService extends TeraService {
  constructor(@inject(Bus) readonly bus: Bus) {
    super();
  }
}

/** One service over a real server, in a namespace of its own, and somebody who talks to it and writes all down. */
export interface SystemUnderTest {
  readonly bus: Bus;
  readonly recorder: Recorder;
  stop(): Promise<void>;
}

export async function startSystem(
  { url }: NatsServer,
  service: ServiceClass,
  container: Container,
  clock: Clock = systemClock,
): Promise<SystemUnderTest> {
  const namespace = `spec-${randomBytes(4).toString('hex')}`;
  const logger = pino({ level: 'silent' });
  const connect = (name: string) => connectNats({ servers: url, namespace, name });
  const host = await startHost({ transport: await connect('service'), services: [service], container, clock, logger });
  // One connection for both: what came before an answer was recorded before it.
  const transport = await connect('tester');
  const recorder = await Recorder.on(transport);
  const tester = await startHost({ transport, services: [TesterService], logger });
  return {
    bus: tester.service(TesterService).bus,
    recorder,
    async stop() {
      await tester.stop();
      await host.stop();
    },
  };
}
