import { setTimeout as pause } from 'node:timers/promises';
import type { EventContext } from '@terabus/core';
import { defineService, defineTopic, from, OnPayload, Rpc, rpc, Service, TeraService } from '@terabus/core';
import { z } from 'zod';

export const jobs = defineTopic('soak.rollout.jobs', { wrapper: 'text' });
/** What was done: published by the handler, so that a drain has to let it out. */
export const done = defineTopic('soak.rollout.done', { wrapper: 'text' });

export const Replicated = defineService('Soak.Replicated', {
  rpc: { work: rpc({ args: [z.int()], returns: z.int(), timeoutMs: 10_000 }) },
});

const HANDLER_MS = 10;

/** One of several instances that share the work. */
@Service(Replicated, { uses: [jobs, done] })
export class ReplicatedService extends TeraService {
  @OnPayload(from(jobs, { concurrency: 64 }))
  async onJob(id: string, context: EventContext) {
    await pause(HANDLER_MS);
    await context.publish(done, id);
  }

  @Rpc(Replicated.rpc.work)
  async work(n: number) {
    await pause(HANDLER_MS);
    return n;
  }
}
