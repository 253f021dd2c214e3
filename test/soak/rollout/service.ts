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
/** Every so many take longer, so that each end meets several that run. */
const EVERY = 10;
const LONG_HANDLER_MS = 300;

const work = (n: number) => pause(n % EVERY === 0 ? LONG_HANDLER_MS : HANDLER_MS);

/** One of several instances that share the work. */
@Service(Replicated, { uses: [jobs, done] })
export class ReplicatedService extends TeraService {
  @OnPayload(from(jobs, { concurrency: 64 }))
  async onJob(id: string, context: EventContext) {
    await work(Number(id));
    await context.publish(done, id);
  }

  @Rpc(Replicated.rpc.work)
  async work(n: number) {
    await work(n);
    return n;
  }
}
