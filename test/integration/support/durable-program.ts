// A service of durable topics in a process of its own, which its parent kills or drains, and some messages end.
import { setTimeout as pause } from 'node:timers/promises';
import {
  type DurableContext,
  defineService,
  defineTopic,
  from,
  OnEvent,
  OnPayload,
  runUntilSignal,
  Service,
  startHost,
  TeraService,
} from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';
import { connectNats } from '@terabus/nats';
import { pino } from 'pino';
import { serve } from '../../soak/run/child-process.js';

export const tasks = defineTopic('tasks', { wrapper: 'text', durable: true });
export const steps = defineTopic('steps', {
  wrapper: 'event',
  types: [DeviceEvent],
  durable: { tries: 5, retryAfterMs: 20 },
});
/** What was handled: stored once, however often it is. */
export const done = defineTopic('done', { wrapper: 'text', durable: true });
/** That a handler runs: told each time. */
export const runs = defineTopic('runs', { wrapper: 'text' });

export const Tasks = defineService('Test.Tasks', {});

@Service(Tasks, { uses: [tasks, done, runs] })
export class TasksService extends TeraService {
  @OnPayload(from(tasks, { concurrency: 8, ackWaitMs: 1_000, start: 'all' }))
  async onTask(name: string, context: DurableContext) {
    await context.publish(runs, name);
    if (name === 'kills') process.kill(process.pid, 'SIGKILL');
    await pause(10);
    await context.publish(done, name);
  }
}

export const Steps = defineService('Test.Steps', { instances: 'one' });

/** `a-1`, `a-2`, `b-1`: a key, and its place. Every fourth of a key fails at first. */
@Service(Steps, { uses: [steps, done] })
export class StepsService extends TeraService {
  @OnEvent(
    from(steps, {
      order: 'per-key',
      key: ({ deviceName }) => deviceName.slice(0, 1),
      ackWaitMs: 500,
      maxAckPending: 50,
      start: 'all',
    }),
    DeviceEvent,
  )
  async onStep({ deviceName }: DeviceEvent, context: DurableContext) {
    if (Number(deviceName.slice(2)) % 4 === 0 && context.durable.attempt === 1) throw new Error('not yet');
    await context.publish(done, deviceName);
  }
}

const services = { tasks: TasksService, steps: StepsService };

const methods = {
  async start({ url, service }: { url: string; service: keyof typeof services }) {
    await new Promise<void>((resolve) => {
      void runUntilSignal(async (signal) => {
        const transport = await connectNats({ servers: url, name: 'durable program' });
        const logger = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
        const host = await startHost({
          transport,
          services: [services[service]],
          standbyAfterMs: 300,
          signal,
          logger,
        });
        resolve();
        return host;
      });
    });
  },
};
export type DurableProgramMethods = typeof methods;

if (process.send !== undefined) serve(methods);
