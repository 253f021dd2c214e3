import type { DurableContext } from '@terabus/core';
import { defineService, defineTopic, from, OnEvent, planStreams, Service, TeraService } from '@terabus/core';
import { DeviceEvent } from '@terabus/messages';

export const jobs = defineTopic('soak.poison.jobs', {
  wrapper: 'event',
  types: [DeviceEvent],
  durable: { tries: 3, retryAfterMs: 50 },
});
/** What was handled: named by its job, and behind it `again` where it was a dead letter before. */
export const handled = defineTopic('soak.poison.handled', { wrapper: 'text', durable: true });

/** What can be wrong with a message. The first two are nothing that a handler could mend. */
export const POISONS = ['undecodable', 'misplaced', 'throwing', 'killing'] as const;
export type Poison = (typeof POISONS)[number];

/** Whether the handlers of this process get along with all that they are given. */
export const stage = { mended: false };

export const Works = defineService('Soak.Works', {});

@Service(Works, { uses: [jobs, handled] })
export class WorksService extends TeraService {
  @OnEvent(from(jobs, { concurrency: 16, ackWaitMs: 1_000, start: 'all' }), DeviceEvent)
  async onJob({ deviceName }: DeviceEvent, context: DurableContext) {
    if (!stage.mended && deviceName.startsWith('throwing')) throw new Error(`no ${deviceName}`);
    if (!stage.mended && deviceName.startsWith('killing')) process.kill(process.pid, 'SIGKILL');
    await context.publish(handled, `${deviceName}${context.durable.replayed ? ' again' : ''}`);
  }
}

/** Small, so that the stream of dead letters can be filled. */
export const STORE = { maxDeadLetters: 2_000 };
export const plan = planStreams([WorksService], STORE);
