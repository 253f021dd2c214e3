import { setTimeout as pause } from 'node:timers/promises';
import { defineService, defineTopic, from, OnPayload, planStreams, Service, TeraService } from '@terabus/core';

export const MESSAGE_BYTES = 200;

/** What is stored before anybody reads it, and what is published to measure publishing. */
export const backlog = defineTopic('soak.backlog.jobs', { wrapper: 'text', durable: { maxMessages: 10_000_000 } });
export const offers = defineTopic('soak.backlog.offers', { wrapper: 'text', durable: { maxMessages: 10_000_000 } });

/** How long a handler takes, in milliseconds; 0 for not at all. */
export const stage = { handlerMs: 0, handled: 0, onHandled: () => {} };

const Backlog = defineService('Soak.Backlog', {});

@Service(Backlog, { uses: [backlog, offers] })
export class BacklogService extends TeraService {
  @OnPayload(from(backlog, { concurrency: 64, start: 'all' }))
  onJob() {
    if (stage.handlerMs === 0) return countOne();
    return pause(stage.handlerMs).then(countOne);
  }
}

function countOne(): void {
  stage.handled += 1;
  stage.onHandled();
}

export const plan = planStreams([BacklogService]);
